/** Stops what the global setup started. */
export default async function tearDown() {
  const services = await globalThis.stockadeServices;
  await services?.stop();
}
