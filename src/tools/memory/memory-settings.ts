/** The section `memory` of the configuration, as far as the chat needs it. */
export interface MemorySettings {
  /** Whether people tell, list and forget facts in chat. */
  chat: boolean;
  /** Facts of one person. */
  perUserMax: number;
}
