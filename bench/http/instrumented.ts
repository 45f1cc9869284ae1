/** Loaded into a server before its own program, so that the same is measured inside of it as inside a worker. */
import { Instruments } from '../measurement/instruments.js';

const instruments = Instruments.install();

process.on('message', (order: 'begin' | 'end') => {
  if (order === 'begin') instruments.begin();
  else process.send?.(instruments.end());
});
// It is no reason for the server to live on.
process.channel?.unref();
