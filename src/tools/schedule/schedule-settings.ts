/** The section `schedules` of the configuration, as far as the chat needs it. */
export interface ScheduleSettings {
  /** Whether people set reminders in chat. */
  chat: boolean;
  /** Which of them wait for a yes: those that repeat (and all that are doubtful), all, or only the doubtful ones. */
  confirm: 'recurring' | 'always' | 'never';
  /** Reminders of one person. */
  perUserMax: number;
}
