/**
 * The flags of Node for every process of the benchmark, so that all contenders run as `npm start` runs the product.
 * Profiling flags stay with the main process.
 */
export const NODE_FLAGS = process.execArgv.filter((flag) => !flag.startsWith('--cpu-prof'));
