/** The smallest PDF that has one page with this content. */
export function pdfOf(content: Buffer, filter = ''): Buffer {
  const stream = Buffer.concat([
    Buffer.from(`<< ${filter}/Length ${content.length} >>\nstream\n`),
    content,
    Buffer.from('\nendstream'),
  ]);
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    stream,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let pdf = Buffer.from('%PDF-1.4\n');
  const offsets = objects.map((object, index) => {
    const at = pdf.length;
    const [begin, end] = [`${index + 1} 0 obj\n`, '\nendobj\n'].map((text) => Buffer.from(text));
    pdf = Buffer.concat([pdf, begin!, Buffer.from(object), end!]);
    return at;
  });
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  const trailer = `trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${pdf.length}\n%%EOF\n`;
  return Buffer.concat([pdf, Buffer.from(`xref\n0 6\n0000000000 65535 f \n${rows}${trailer}`)]);
}
