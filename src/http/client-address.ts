/**
 * The address of the client behind trusted proxies. Each proxy appends the address from which it got the request to
 * `X-Forwarded-For`, so the header is read from its end, for as long as the sender before is trusted.
 *
 * Some proxies write ports and brackets, which are removed: with ports one client would have as many addresses as
 * connections.
 */
import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';
import { canonicalAddress } from '../auth/network.js';

export type ClientAddress = (request: IncomingMessage) => string;

/** @param trustedProxies addresses, and networks as in `10.0.0.0/8`. */
export function trustedProxyAmong(trustedProxies: readonly string[]): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false;
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return (address) => isTrusted(canonicalAddress(address) ?? address, 0);
}

/** @param trustedProxies addresses, and networks as in `10.0.0.0/8`. */
export function clientAddressBehind(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return ({ socket, headers }) => {
    const { remoteAddress = '' } = socket;
    let address = canonicalAddress(remoteAddress) ?? remoteAddress;
    if (trustedProxies.length === 0) return address;
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').reverse();
    for (const [i, entry] of forwarded.entries()) {
      if (!isTrusted(address, i)) break;
      const sender = canonicalAddress(entry);
      // `unknown` or empty: the entries before it come from an unknown sender.
      if (sender === null) break;
      address = sender;
    }
    return address;
  };
}
