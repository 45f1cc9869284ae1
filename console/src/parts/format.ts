/** Numbers and moments as the console shows them. */
const NUMBER = new Intl.NumberFormat('en-US');
const MOMENT = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const EXACT = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

export function count(value: number): string {
  return NUMBER.format(value);
}

/** With its sign, and a minus that is as wide as the plus. */
export function signed(value: number): string {
  return value > 0 ? `+${NUMBER.format(value)}` : NUMBER.format(value).replace('-', '−');
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${NUMBER.format(value)} ${value === 1 ? one : many}`;
}

export function moment(iso: string): string {
  return MOMENT.format(new Date(iso)).replace(',', '');
}

export function exactMoment(iso: string): string {
  return EXACT.format(new Date(iso));
}

const STEPS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** As in `3 min 20 s` or `2 d 4 h`: the two largest units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${rounded(ms)} ms`;
  let rest = Math.round(ms / 1_000);
  const parts: string[] = [];
  for (const [seconds, unit] of STEPS) {
    const whole = Math.floor(rest / seconds);
    rest -= whole * seconds;
    if (whole > 0) parts.push(`${whole} ${unit}`);
  }
  if (rest > 0 && parts.length < 2) parts.push(`${rest} s`);
  return parts.slice(0, 2).join(' ') || '0 s';
}

/** Three digits at most. */
export function rounded(value: number): string {
  if (value >= 100) return NUMBER.format(Math.round(value));
  return NUMBER.format(Number(value.toPrecision(2)));
}

/** `RESERVATION_COMMIT` as in `reservation commit`. */
export function words(name: string): string {
  return name.toLowerCase().replaceAll('_', ' ');
}
