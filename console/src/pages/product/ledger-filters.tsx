/** The filters of a product's ledger: kind, reference, location and time. They live in the page's address. */
import { useAddress } from '../../api/address';
import type { MovementFilter, StockMovementKind } from '../../generated/operations';
import { words } from '../../parts/format';
import { SearchBox } from '../../parts/search-box';

const KINDS: readonly StockMovementKind[] = [
  'INITIAL',
  'INCREASE',
  'DEDUCTION',
  'RESERVATION_COMMIT',
  'CORRECTION',
  'TRANSFER_OUT',
  'TRANSFER_IN',
];

const HOUR_MS = 3_600_000;

const TIMES = [
  { value: '', label: 'All time' },
  { value: 'hour', label: 'Last hour', spanMs: HOUR_MS },
  { value: 'day', label: 'Last day', spanMs: 24 * HOUR_MS },
  { value: 'week', label: 'Last 7 days', spanMs: 7 * 24 * HOUR_MS },
  { value: 'between', label: 'From … to …' },
] as const;

export interface LedgerFilters {
  readonly kind: StockMovementKind | '';
  readonly reference: string;
  readonly location: string;
  readonly time: (typeof TIMES)[number]['value'];
  /** Moments of this time zone, as in `2026-01-31T08:00`; they count where `time` is `between`. */
  readonly from: string;
  readonly to: string;
}

export type ShowLedger = (changes: Partial<LedgerFilters>) => void;

/** Reads the filters from the address, and writes them there. What the address has besides stays. */
export function useLedgerFilters(): readonly [LedgerFilters, ShowLedger] {
  const [params, showAddress] = useAddress();
  const textOf = (name: string) => params.get(name) ?? '';
  const filters: LedgerFilters = {
    kind: KINDS.find((kind) => kind === params.get('kind')) ?? '',
    reference: textOf('reference'),
    location: textOf('location'),
    time: TIMES.find(({ value }) => value === params.get('time'))?.value ?? '',
    from: textOf('from'),
    to: textOf('to'),
  };
  const show: ShowLedger = (changes) => {
    const ofTime = changes.time !== undefined && changes.time !== 'between';
    showAddress({ ...changes, ...(ofTime ? { from: '', to: '' } : {}) });
  };
  return [filters, show];
}

/** @param nowMs the moment from which the last hour counts. */
export function movementFilterOf(filters: LedgerFilters, nowMs: number): MovementFilter {
  const { kind, reference, location, time, from, to } = filters;
  const chosen = TIMES.find(({ value }) => value === time);
  const since =
    chosen && 'spanMs' in chosen
      ? new Date(nowMs - chosen.spanMs).toISOString()
      : time === 'between'
        ? momentOf(from)
        : null;
  const until = time === 'between' ? momentOf(to) : null;
  return {
    ...(kind === '' ? {} : { kinds: [kind] }),
    ...(reference === '' ? {} : { reference }),
    ...(location === '' ? {} : { locationId: location }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
  };
}

/** Null where it is no moment, as while it is typed. */
function momentOf(local: string): string | null {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

interface FilterProps {
  readonly filters: LedgerFilters;
  readonly show: ShowLedger;
  /** Those at which the product has a level. */
  readonly locations: readonly Choice[];
}

export function LedgerFilterBar({ filters, show, locations }: FilterProps) {
  const { kind, reference, location, time } = filters;
  // An address may name a location at which the product has no level.
  const isKnown = location === '' || locations.some(({ value }) => value === location);
  const choices = isKnown ? locations : [...locations, { value: location, label: location }];
  return (
    <>
      <SearchBox
        label="Reference"
        value={reference}
        onSearch={(text) => {
          show({ reference: text });
        }}
      />
      <Select
        label="Kind of change"
        value={kind}
        options={[
          { value: '', label: 'All kinds' },
          ...KINDS.map((value) => ({ value, label: words(value) })),
        ]}
        onChoose={(value) => {
          show({ kind: value });
        }}
      />
      {choices.length > 1 || !isKnown ? (
        <Select
          label="Location"
          value={location}
          options={[{ value: '', label: 'All locations' }, ...choices]}
          onChoose={(value) => {
            show({ location: value });
          }}
        />
      ) : null}
      <Select
        label="Time"
        value={time}
        options={TIMES}
        onChoose={(value) => {
          show({ time: value });
        }}
      />
      {time === 'between' ? <Between filters={filters} show={show} /> : null}
    </>
  );
}

function Between({ filters, show }: Pick<FilterProps, 'filters' | 'show'>) {
  return (
    <>
      {(['from', 'to'] as const).map((name) => (
        <input
          key={name}
          className="select"
          type="datetime-local"
          aria-label={name === 'from' ? 'From' : 'To'}
          value={filters[name]}
          onChange={(event) => {
            show({ [name]: event.target.value });
          }}
        />
      ))}
    </>
  );
}

function Select<Value extends string>({
  label,
  value,
  options,
  onChoose,
}: {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly onChoose: (value: Value) => void;
}) {
  return (
    <select
      className="select"
      aria-label={label}
      value={value}
      onChange={(event) => {
        onChoose(event.target.value as Value);
      }}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
