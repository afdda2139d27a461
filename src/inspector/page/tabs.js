/** Tabs for keyboard and screen reader (ARIA pattern): arrow keys move, one tab is in the tab order. */
import { h, redraw, show } from './dom.js';

/** @param {string} label @param {string[]} names @param {() => void} onChange */
export function createTabs(label, names, onChange) {
  let [current] = names;
  const idOf = (name) => `tab-${name.toLowerCase().replaceAll(' ', '-')}`;
  const panel = h('div', { role: 'tabpanel', id: 'tab-panel', tabindex: 0, class: 'panel' });
  const buttons = names.map((name) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: idOf(name),
        'aria-controls': 'tab-panel',
        onclick: () => choose(name),
      },
      name,
    ),
  );
  const list = h('div', { role: 'tablist', 'aria-label': label, class: 'tabs' }, ...buttons);

  function mark() {
    names.forEach((name, index) => {
      buttons[index].setAttribute('aria-selected', String(name === current));
      buttons[index].tabIndex = name === current ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', idOf(current));
  }

  function choose(name) {
    current = name;
    mark();
    buttons[names.indexOf(name)].scrollIntoView({ block: 'nearest', inline: 'nearest' });
    panel.scrollTop = 0;
    onChange();
  }

  list.addEventListener('keydown', (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    const next = names[(names.indexOf(current) + steps + names.length) % names.length];
    choose(next);
    buttons[names.indexOf(next)].focus();
  });
  mark();

  return {
    element: h('div', { class: 'tabbed' }, list, panel),
    current: () => current,
    clear: () => show(panel),
    show(...children) {
      const top = panel.scrollTop;
      const isAtEnd = panel.scrollHeight - top - panel.clientHeight < 24;
      redraw(panel, ...children);
      panel.scrollTop = isAtEnd && current === 'Conversation' ? panel.scrollHeight : top;
    },
  };
}
