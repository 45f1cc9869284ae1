/** The parts of a running application, to be stopped in the reverse order of their start. */
import type { Logger } from 'pino';

/** One part that fails to stop does not keep the rest running. */
export class Started {
  private readonly parts: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  private stopping: Promise<void> | undefined;

  constructor(private readonly log: Logger) {}

  push(name: string, stop: () => Promise<void>): void {
    this.parts.push({ name, stop });
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    for (const part of this.parts.reverse()) {
      try {
        await part.stop();
      } catch (error) {
        this.log.error({ err: error, part: part.name }, 'A part did not stop cleanly.');
      }
    }
  }
}
