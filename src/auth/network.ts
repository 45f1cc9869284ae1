/** Addresses in one form, and the networks in which clients are counted. */
import { SocketAddress, isIP, isIPv4 } from 'node:net';

/** A network gives one customer 64 bits of IPv6, which are four groups. */
const IPV6_GROUPS = 4;
const IPV6_GROUPS_ALL = 8;
const GROUP_HEX_DIGITS = 4;

const BRACKETED = /^\[([^\]]*)\](?::\d{1,5})?$/;
const WITH_PORT = /^([^:]+):\d{1,5}$/;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/**
 * The address as every client of it is written: without port, brackets and zone, IPv6 in its canonical form, and an
 * IPv4 address that is mapped into IPv6 as IPv4. Null where the text is no address.
 */
export function canonicalAddress(text: string): string | null {
  const trimmed = text.trim();
  const bare = BRACKETED.exec(trimmed)?.[1] ?? WITH_PORT.exec(trimmed)?.[1] ?? trimmed;
  const address = bare.replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  if (isIP(address) === 0) return null;
  const canonical = new SocketAddress({ family: 'ipv6', address }).address;
  return MAPPED_IPV4.exec(canonical)?.[1] ?? canonical;
}

/** An IPv4 address as it is; of an IPv6 address only the half that its owner cannot choose. */
export function networkOf(text: string): string {
  const address = canonicalAddress(text);
  if (address === null || isIPv4(address)) return address ?? text;
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : IPV6_GROUPS_ALL - before.length - after.length;
  const groups = [...before, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...after];
  return groups.slice(0, IPV6_GROUPS).join(':');
}

/** By which a client without a principal is counted. No principal's name begins with `address:`. */
export function clientAt(address: string): string {
  return `address:${networkOf(address)}`;
}

/** The groups of a half of a canonical address; two of them may be written as an IPv4 address. */
function groupsOf(half: string): string[] {
  if (half === '') return [];
  return half.split(':').flatMap((group) => {
    if (!isIPv4(group)) return [group];
    const hex = Buffer.from(group.split('.').map(Number)).toString('hex');
    const both = [hex.slice(0, GROUP_HEX_DIGITS), hex.slice(GROUP_HEX_DIGITS)];
    return both.map((digits) => Number.parseInt(digits, 16).toString(16));
  });
}
