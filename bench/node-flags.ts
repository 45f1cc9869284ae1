/**
 * What Node was started with, for every process that takes part: all contenders then run as `npm start` runs the
 * product. A profile is of the main process alone.
 */
export const NODE_FLAGS = process.execArgv.filter((flag) => !flag.startsWith('--cpu-prof'));
