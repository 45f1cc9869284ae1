/** A TCP proxy for one test file, whose hooks end with each test. Its fields are there from `beforeAll` on. */
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

export interface UsedProxy {
  readonly proxy: TcpProxy;
}

/** Call it once in a test file, after what brings the server. @param url of the server, once it is there. */
export function useProxy(url: () => string): UsedProxy {
  let proxy: TcpProxy;

  beforeAll(async () => {
    proxy = await startTcpProxy(url());
  });

  afterEach(() => {
    proxy.hook('toClient', null);
    proxy.hook('toServer', null);
  });

  afterAll(() => proxy.stop());

  return {
    get proxy() {
      return proxy;
    },
  };
}
