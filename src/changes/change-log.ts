/** Where the news about the news goes; pino fits. */
export interface ChangeLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
