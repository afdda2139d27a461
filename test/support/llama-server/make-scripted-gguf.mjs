#!/usr/bin/env node
// Zero-dependency tiny GGUF (v3) generator: a "llama"-architecture model whose weights encode a
// deterministic next-token automaton (bigram). Attention and FFN outputs are zero, embeddings are one-hot,
// the output matrix is the transition table, so a REAL llama.cpp produces scripted text, thinking, tool calls.
// usage: node make-scripted-gguf.mjs out.gguf [--pad-mb N] [--layers L]   (pad-mb: sparse zero FFN weights => slower tokens)
import { openSync, writeSync, ftruncateSync, closeSync } from 'node:fs';
const args = process.argv.slice(2);
const out = args.find((a) => !a.startsWith('--')) ?? 'tiny.gguf';
const opt = (n, d) => {
  const i = args.indexOf('--' + n);
  return i < 0 ? d : Number(args[i + 1]);
};
const PAD_MB = opt('pad-mb', 0),
  L = opt('layers', 1);

// ---- vocabulary (SentencePiece style): <unk> <s> </s>, control, 256 bytes, printable chars, scripted pieces
const T = { NORMAL: 1, UNKNOWN: 2, CONTROL: 3, USER_DEFINED: 4, BYTE: 6 };
const vocab = [];
const idOf = new Map();
const add = (s, type, score = 0) => {
  if (idOf.has(s)) return idOf.get(s);
  const id = vocab.length;
  vocab.push({ s, type, score });
  idOf.set(s, id);
  return id;
};
const UNK = add('<unk>', T.UNKNOWN),
  BOS = add('<s>', T.CONTROL),
  EOS = add('</s>', T.CONTROL);
const IM_S = add('<|im_start|>', T.CONTROL),
  IM_E = add('<|im_end|>', T.CONTROL);
for (let b = 0; b < 256; b++) add(`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, T.BYTE);
for (let c = 33; c < 127; c++) add(String.fromCharCode(c), T.NORMAL, -100 - c);
add('\u2581', T.NORMAL, -100);
// ---- scripts: trigger token -> pieces -> end
const next = new Map();
const chain = (ids, end) => {
  for (let i = 0; i + 1 < ids.length; i++) next.set(ids[i], ids[i + 1]);
  if (end !== undefined) next.set(ids.at(-1), end);
};
const U = (s) => add(s, T.USER_DEFINED); // user-defined: matched verbatim, printed verbatim
const trig = (n) => add(`<|go_${n}|>`, T.CONTROL);
const words = (p, n) => Array.from({ length: n }, (_, i) => U(` ${p}${i}`));
chain([trig('text'), ...words('w', 24)], IM_E); // 24 words then stop
const loop = words('l', 10);
chain([trig('loop'), ...loop], loop[0]); // endless: for max_tokens and cancel
const think = [
  U('<thi'),
  U('nk>\n'),
  ...words('t', 6),
  U('\n</th'),
  U('ink>'),
  U('\n\nanswer'),
  ...words('a', 5),
];
chain([trig('think'), ...think], IM_E);
chain([trig('unclosed'), U('<th'), U('ink>\n'), ...words('u', 12)], IM_E); // unclosed thinking
chain(
  [
    trig('tool'),
    U('<tool_'),
    U('call>\n'),
    U('{"name": "search", "arg'),
    U('uments": {"query": '),
    U('"alpha '),
    U('beta"}}'),
    U('\n</tool_call>'),
  ],
  IM_E,
);
chain(
  [
    trig('badtool'),
    U('<tool_c'),
    U('all>\n'),
    U('{"name": "search", "arguments": {"query": "al'),
    U('pha, }'),
  ],
  IM_E,
);
chain([trig('cls'), U('{"action"'), U(': "route"'), U(', "prompt": ""}')], IM_E);
const choice = (operation, params) =>
  JSON.stringify({ action: 'tools', tool: 'mcp:home', operation, params });
chain([trig('mcpread'), U(choice('lamp_state', {}))], IM_E);
chain([trig('mcpwrite'), U(choice('set_lamp', { text: 'on' }))], IM_E);
const V = vocab.length,
  D = Math.ceil(V / 32) * 32,
  HEADS = D / 32;
const FF = Math.max(32, PAD_MB ? Math.floor((PAD_MB * 1048576) / (3 * D * 2 * L) / 32) * 32 : 32);
// llama.cpp chat template (Jinja): the trigger emitted last depends on the request, so tests script the model.
const TEMPLATE = `{%- if tools %}<|im_start|>system
# Tools
You may call functions. Return <tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>
{%- for t in tools %}
{{ t | tojson }}
{%- endfor %}<|im_end|>
{%- endif %}
{%- for m in messages %}<|im_start|>{{ m.role }}
{%- if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>
{%- endif %}
{%- if m.content %}{{ m.content }}{%- endif %}
{%- if m.tool_calls %}{%- for c in m.tool_calls %}<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{%- endfor %}{%- endif %}<|im_end|>
{%- endfor %}
{%- if add_generation_prompt %}{%- set c = (messages | last).content or '' %}<|im_start|>assistant
{%- if '#loop' in c %}<|go_loop|>{%- elif '#think' in c %}<|go_think|>{%- elif '#unclosed' in c %}<|go_unclosed|>{%- elif '#badtool' in c %}<|go_badtool|>{%- elif '#mcpread' in c and '<data>' not in c %}<|go_mcpread|>{%- elif '#mcpwrite' in c %}<|go_mcpwrite|>{%- elif '#cls' in c %}<|go_cls|>{%- elif tools and (messages | last).role != 'tool' %}<|go_tool|>{%- else %}<|go_text|>{%- endif %}
{%- endif %}`;
// ---- GGUF writer
const parts = [];
let size = 0;
const push = (b) => {
  parts.push(b);
  size += b.length;
};
const u32 = (v) => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(v);
  push(b);
};
const u64 = (v) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(v));
  push(b);
};
const str = (s) => {
  const b = Buffer.from(s);
  u64(b.length);
  push(b);
};
const kvs = [];
const kv = {
  u32: (k, v) =>
    kvs.push(() => {
      str(k);
      u32(4);
      u32(v);
    }),
  f32: (k, v) =>
    kvs.push(() => {
      str(k);
      u32(6);
      const b = Buffer.alloc(4);
      b.writeFloatLE(v);
      push(b);
    }),
  bool: (k, v) =>
    kvs.push(() => {
      str(k);
      u32(7);
      push(Buffer.from([v ? 1 : 0]));
    }),
  str: (k, v) =>
    kvs.push(() => {
      str(k);
      u32(8);
      str(v);
    }),
  strs: (k, a) =>
    kvs.push(() => {
      str(k);
      u32(9);
      u32(8);
      u64(a.length);
      a.forEach(str);
    }),
  f32s: (k, a) =>
    kvs.push(() => {
      str(k);
      u32(9);
      u32(6);
      u64(a.length);
      push(Buffer.from(Float32Array.from(a).buffer));
    }),
  i32s: (k, a) =>
    kvs.push(() => {
      str(k);
      u32(9);
      u32(5);
      u64(a.length);
      push(Buffer.from(Int32Array.from(a).buffer));
    }),
};
kv.str('general.architecture', 'llama');
kv.str('general.name', 'tiny-scripted');
kv.u32('general.alignment', 32);
kv.u32('llama.vocab_size', V);
kv.u32('llama.context_length', 32768);
kv.u32('llama.embedding_length', D);
kv.u32('llama.block_count', L);
kv.u32('llama.feed_forward_length', FF);
kv.u32('llama.attention.head_count', HEADS);
kv.u32('llama.attention.head_count_kv', 1);
kv.u32('llama.rope.dimension_count', 32);
kv.f32('llama.attention.layer_norm_rms_epsilon', 1e-5);
kv.str('tokenizer.ggml.model', 'llama');
kv.str('tokenizer.ggml.pre', 'default');
kv.strs(
  'tokenizer.ggml.tokens',
  vocab.map((v) => v.s),
);
kv.f32s(
  'tokenizer.ggml.scores',
  vocab.map((v) => v.score),
);
kv.i32s(
  'tokenizer.ggml.token_type',
  vocab.map((v) => v.type),
);
kv.u32('tokenizer.ggml.bos_token_id', BOS);
kv.u32('tokenizer.ggml.eos_token_id', IM_E);
kv.u32('tokenizer.ggml.unknown_token_id', UNK);
kv.bool('tokenizer.ggml.add_bos_token', true);
kv.bool('tokenizer.ggml.add_space_prefix', false);
kv.str('tokenizer.chat_template', TEMPLATE);
// tensors: dims in ggml order (ne0 fastest)
const F32 = 0,
  F16 = 1,
  tensors = [];
let off = 0;
const tensor = (name, ne, type, fill) => {
  const n = ne.reduce((a, b) => a * b, 1);
  const bytes = n * (type === F32 ? 4 : 2);
  tensors.push({ name, ne, type, fill, off, bytes });
  off = Math.ceil((off + bytes) / 32) * 32;
};
const SHARP = 40; // logit gap: the scripted successor is chosen at any usual temperature
tensor('token_embd.weight', [D, V], F32, (a) => {
  for (let i = 0; i < V; i++) a[i * D + i] = 1;
});
tensor('output_norm.weight', [D], F32, (a) => a.fill(1));
tensor('output.weight', [D, V], F32, (a) => {
  for (const [i, j] of next) a[j * D + i] = SHARP / Math.sqrt(D);
  for (let i = 0; i < V; i++) if (!next.has(i)) a[IM_E * D + i] = SHARP / Math.sqrt(D) / 2;
});
for (let l = 0; l < L; l++) {
  const p = `blk.${l}.`;
  tensor(p + 'attn_norm.weight', [D], F32, (a) => a.fill(1));
  tensor(p + 'ffn_norm.weight', [D], F32, (a) => a.fill(1));
  tensor(p + 'attn_q.weight', [D, D], F16);
  tensor(p + 'attn_k.weight', [D, 32], F16);
  tensor(p + 'attn_v.weight', [D, 32], F16);
  tensor(p + 'attn_output.weight', [D, D], F16);
  tensor(p + 'ffn_gate.weight', [D, FF], F16);
  tensor(p + 'ffn_up.weight', [D, FF], F16);
  tensor(p + 'ffn_down.weight', [FF, D], F16);
}
push(Buffer.from('GGUF'));
u32(3);
u64(tensors.length);
u64(kvs.length);
kvs.forEach((f) => f());
for (const t of tensors) {
  str(t.name);
  u32(t.ne.length);
  t.ne.forEach(u64);
  u32(t.type);
  u64(t.off);
}
const base = Math.ceil(size / 32) * 32;
const fd = openSync(out, 'w');
let pos = 0;
for (const b of parts) {
  writeSync(fd, b, 0, b.length, pos);
  pos += b.length;
}
ftruncateSync(fd, base + off); // zeros stay holes (sparse file)
for (const t of tensors)
  if (t.fill) {
    const a = new Float32Array(t.bytes / 4);
    t.fill(a);
    const b = Buffer.from(a.buffer);
    writeSync(fd, b, 0, b.length, base + t.off);
  }
closeSync(fd);
console.log(
  JSON.stringify({ out, vocab: V, n_embd: D, heads: HEADS, ff: FF, layers: L, bytes: base + off }),
);
