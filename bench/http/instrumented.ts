/** Loaded into a server before its own program, to measure inside it what is measured inside a worker. */
import { Instruments } from '../measurement/instruments.js';

const instruments = Instruments.install();

process.on('message', (order: 'begin' | 'end') => {
  if (order === 'begin') instruments.begin();
  else process.send?.(instruments.end());
});
// The instruments must not keep the server alive.
process.channel?.unref();
