/** One variable of the configuration: its form, its default, and how the documentation shows it. */
import type { z } from 'zod';

type Parser<Value> = z.ZodType<Value, string>;

export interface Setting<Value> {
  readonly variable: string;
  readonly parser: Parser<Value>;
  /** Taken where the variable is not set; null where there is none. */
  readonly fallback: string | null;
  readonly isRequired: boolean;
  /** The default, as the documentation shows it. */
  readonly shown: string;
  readonly meaning: string;
  /** Carries the type of the value, which may be undefined where there is no default. */
  readonly type?: Value;
}

export const required = <V>(variable: string, parser: Parser<V>, meaning: string): Setting<V> => ({
  variable,
  parser,
  fallback: null,
  isRequired: true,
  shown: 'must be set',
  meaning,
});

export const preset = <V>(
  variable: string,
  fallback: string,
  parser: Parser<V>,
  meaning: string,
): Setting<V> => ({
  variable,
  parser,
  fallback,
  isRequired: false,
  shown: fallback === '' ? 'none' : `\`${fallback}\``,
  meaning,
});

export const optional = <V>(
  variable: string,
  shown: string,
  parser: Parser<V>,
  meaning: string,
): Setting<V | undefined> => ({
  variable,
  parser: parser,
  fallback: null,
  isRequired: false,
  shown,
  meaning,
});
