/** Minimal PDFs of one page with the given content. */

export function pdfOf(content: Buffer, filter = ''): Buffer {
  return fileOf(content, filter, []);
}

/**
 * A line in Helvetica, and a line in a font that is not embedded: only the name of a predefined CMap defines its
 * letters. Acrobat and Korean office programs write such files.
 */
export function asianPdf(cmap: string, latin: string, codes: Buffer): Buffer {
  const font = '/BaseFont /HYSMyeongJo-Medium';
  const system = '/CIDSystemInfo << /Registry (Adobe) /Ordering (Korea1) /Supplement 1 >>';
  const lines = [
    latin === '' ? '' : `BT /F1 12 Tf 50 720 Td (${latin}) Tj ET `,
    `BT /F2 12 Tf 50 700 Td <${codes.toString('hex')}> Tj ET`,
  ];
  return fileOf(Buffer.from(lines.join('')), '', [
    `<< /Type /Font /Subtype /Type0 ${font} /Encoding /${cmap} /DescendantFonts [7 0 R] >>`,
    `<< /Type /Font /Subtype /CIDFontType0 ${font} ${system} /FontDescriptor 8 0 R /DW 1000 >>`,
    '<< /Type /FontDescriptor /FontName /HYSMyeongJo-Medium /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >>',
  ]);
}

/** `fonts`: the font F2 (object 6) and the objects that it refers to. */
function fileOf(content: Buffer, filter: string, fonts: string[]): Buffer {
  const stream = Buffer.concat([
    Buffer.from(`<< ${filter}/Length ${content.length} >>\nstream\n`),
    content,
    Buffer.from('\nendstream'),
  ]);
  const second = fonts.length === 0 ? '' : '/F2 6 0 R ';
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R ${second}>> >> >>`,
    stream,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...fonts,
  ];
  let pdf = Buffer.from('%PDF-1.4\n');
  const offsets = objects.map((object, index) => {
    const at = pdf.length;
    const [begin, end] = [`${index + 1} 0 obj\n`, '\nendobj\n'].map((text) => Buffer.from(text));
    pdf = Buffer.concat([pdf, begin!, Buffer.from(object), end!]);
    return at;
  });
  const size = objects.length + 1;
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  const trailer = `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${pdf.length}\n%%EOF\n`;
  return Buffer.concat([
    pdf,
    Buffer.from(`xref\n0 ${size}\n0000000000 65535 f \n${rows}${trailer}`),
  ]);
}
