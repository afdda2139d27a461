/** Tabs for keyboard and screen reader (ARIA pattern): arrow keys move, one tab is in the tab order. */
import type { ComponentChildren } from 'preact';
import { ui } from '#shared/page/ui';

const idOf = (name: string): string => `tab-${name.toLowerCase().replaceAll(' ', '-')}`;

interface Tabs<Name extends string> {
  label: string;
  names: readonly Name[];
  current: Name;
  /** Must draw the tabs again. */
  choose(name: Name): void;
}

/** @param panel the content of the current tab */
export function tabs<Name extends string>(all: Tabs<Name>, panel: ComponentChildren) {
  const { label, names, current } = all;
  const choose = (name: Name): HTMLElement => {
    all.choose(name);
    document.querySelector('#tab-panel')!.scrollTop = 0;
    const tab = document.querySelector<HTMLElement>(`#${idOf(name)}`)!;
    tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    return tab;
  };
  const press = (event: KeyboardEvent): void => {
    const steps = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    choose(names.at((names.indexOf(current) + steps) % names.length)!).focus();
  };
  return ui`<div class="tabbed">
    <div role="tablist" aria-label=${label} class="tabs" onkeydown=${press}>
      ${names.map(
        (name) =>
          ui`<button type="button" role="tab" id=${idOf(name)} aria-controls="tab-panel" key=${name}
            aria-selected=${name === current} tabindex=${name === current ? 0 : -1}
            onclick=${() => void choose(name)}>${name}</button>`,
      )}
    </div>
    <div role="tabpanel" id="tab-panel" tabindex="0" class="panel" aria-labelledby=${idOf(current)}>${panel}</div>
  </div>`;
}
