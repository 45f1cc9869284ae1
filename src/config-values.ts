/** Forms of the values of variables, each with the message for a value that has another form. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { MysqlAddressError, parseMysqlUrl } from './database/mysql-address.js';
import { driverTls } from './database/tls-options.js';
import { JWT_ALGORITHMS, type JwtAlgorithm } from './auth/jwt-verifier.js';
import { parseRedisUrl, RedisAddressError } from './redis/address.js';

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`);

/** `auto`, or a whole number. */
export const autoOrNumber = (min: number, max: number) => {
  const rule = `must be auto, or a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^(auto|\d{1,15})$/, rule)
    .transform((text) => (text === 'auto' ? text : Number(text)))
    .refine((value) => value === 'auto' || (value >= min && value <= max), rule);
};

export const oneOf = <const Words extends readonly string[]>(...words: Words) => {
  const [last = '', ...others] = [...words].reverse();
  return z.enum(words, `must be ${others.reverse().join(', ')} or ${last}`);
};

export const flag = oneOf('true', 'false').transform((text) => text === 'true');

export const urlOf = (...protocols: string[]) =>
  z.string().refine(
    (text) => {
      const url = URL.canParse(text) ? new URL(text) : null;
      return url !== null && url.hostname !== '' && protocols.includes(url.protocol);
    },
    `must be an address that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  );

export const mysqlUrl = z.string().superRefine((text, context) => {
  try {
    driverTls(parseMysqlUrl(text).tls);
  } catch (error) {
    if (!(error instanceof MysqlAddressError)) throw error;
    context.addIssue({ code: 'custom', message: error.problem });
  }
});

export const redisUrl = z.string().superRefine((text, context) => {
  try {
    parseRedisUrl(text);
  } catch (error) {
    if (!(error instanceof RedisAddressError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

const list = (text: string): readonly string[] =>
  Object.freeze(text.split(',').filter((word) => word !== ''));

/** Keys that come over an unprotected network could be forged. */
export const jwksUrl = urlOf('https:', 'http:')
  .refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url?.protocol !== 'http:' || /^(localhost|127\..+|\[::1\])$/.test(url.hostname);
  }, 'must begin with https://, unless it is on this machine')
  .refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return !url?.username && !url?.password;
  }, 'must not contain a user or a password, which are never sent to the issuer; publish the keys without one');

/** Of a service in the operator's own network. */
export const httpUrl = urlOf('https:', 'http:');

export const text = z.string().min(1);

export const jwtAlgorithms = z
  .string()
  .transform(list)
  .refine(
    (names): names is readonly JwtAlgorithm[] =>
      names.length > 0 && names.every((name) => JWT_ALGORITHMS.some((known) => known === name)),
    `must be some of ${JWT_ALGORITHMS.join(',')}`,
  );

export const proxies = z
  .string()
  .transform(list)
  .refine((names) => names.every(isNetwork), 'must be addresses or networks as in 10.0.0.0/8');

export const origins = z
  .string()
  .transform(list)
  .refine(
    (names) => names.every((o) => URL.canParse(o) && new URL(o).origin === o),
    'must be origins separated by commas, as in https://shop.example,https://admin.example',
  );

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const bitsMax = family === 4 ? 32 : 128;
  const sized = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
  return family !== 0 && sized && more.length === 0;
}
