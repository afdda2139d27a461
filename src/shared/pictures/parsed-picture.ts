/** What the readers of the picture formats return. */
export interface ParsedPicture {
  /** Pixels. */
  width: number;
  height: number;
  /** Without what tells where and when it was taken. */
  bytes: Buffer;
}
