/**
 * Try a sale: buyers who all want the same product at the same moment, run by the development server through the API,
 * drawn while it goes on, and checked against the ledger at the end.
 */
import { useState } from 'react';
import { useClient } from 'urql';
import { useRead } from '../api/read';
import { hasSaleTrials } from '../api/server-kind';
import { Field } from '../forms/field';
import { outcomeOfError } from '../forms/outcomes';
import {
  ConsoleSaleTrialDocument,
  ConsoleStartSaleTrialDocument,
  ConsoleStopSaleTrialDocument,
  type ConsoleSaleTrialQuery,
  type SaleTrialLock,
  type SaleTrialState,
} from '../generated/operations';
import { Icon } from '../parts/icon';
import { Page, Panel } from '../parts/page';
import { ProductLink } from '../parts/product-link';
import { Empty, Failure } from '../parts/states';
import { SaleResult } from './sale/sale-result';

export type Trial = NonNullable<ConsoleSaleTrialQuery['saleTrial']>;

const READ_INTERVAL_MS = 200;
const IDLE_INTERVAL_MS = 2_000;

const WAYS: readonly { readonly value: SaleTrialLock; readonly label: string }[] = [
  { value: 'REDIS', label: 'redis: a lock in Redis, with queues and owners' },
  { value: 'REDLOCK', label: 'redlock: a majority of three Redis' },
  { value: 'DATABASE', label: 'database: SELECT … FOR UPDATE' },
  { value: 'NONE', label: 'none: the conditional UPDATE alone' },
];

const UNDER_WAY: ReadonlySet<SaleTrialState> = new Set(['STARTING', 'SELLING', 'CHECKING']);

export function SalePage() {
  if (hasSaleTrials) return <Trials />;
  return (
    <Page title="Try a sale">
      <Panel>
        <Empty title="Sales are tried in development alone.">
          Start <code>npm run dev</code> or <code>stockade dev</code>, and open its console.
        </Empty>
      </Panel>
    </Page>
  );
}

function Trials() {
  const [isUnderWay, setUnderWay] = useState(false);
  const { data, error, again } = useRead(ConsoleSaleTrialDocument, {
    variables: {},
    everyMs: isUnderWay ? READ_INTERVAL_MS : IDLE_INTERVAL_MS,
  });
  const trial = data?.saleTrial ?? null;
  const runs = trial !== null && UNDER_WAY.has(trial.state);
  if (runs !== isUnderWay) setUnderWay(runs);
  return (
    <Page
      title="Try a sale"
      lead={
        'All buyers ask at the same moment for one unit of a new product. They are a process of their own, which ' +
        'sends requests to servers that are started for the sale.'
      }
    >
      {error ? <Failure error={error} again={again} /> : null}
      <StartForm trial={runs ? trial : null} onChange={again} />
      {trial ? (
        <SaleResult trial={trial} />
      ) : (
        <Panel>
          <Empty title="No sale has been tried yet.">
            Choose how many buyers want how many units, and start.
          </Empty>
        </Panel>
      )}
      {trial?.state === 'DONE' ? (
        <p className="soft">
          Every unit is in the ledger of{' '}
          <ProductLink className="mono" id={trial.productId}>
            {trial.productId}
          </ProductLink>
          .
        </p>
      ) : null}
    </Page>
  );
}

type Values = Readonly<Record<'buyers' | 'units' | 'lock' | 'servers', string>>;
const INITIAL: Values = { buyers: '1000', units: '100', lock: 'REDIS', servers: '1' };
const NUMBERS = [
  { name: 'buyers', label: 'Buyers' },
  { name: 'units', label: 'Units' },
  { name: 'servers', label: 'Servers' },
] as const;

/** The values and the errors of the form, and how it starts a sale. */
function useStart(onChange: () => void) {
  const client = useClient();
  const [values, setValues] = useState(INITIAL);
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [sending, setSending] = useState(false);
  const start = async () => {
    const wrong = NUMBERS.filter(({ name }) => !/^\d+$/.test(values[name].trim()));
    setErrors(Object.fromEntries(wrong.map(({ name }) => [name, 'A whole number is needed.'])));
    if (wrong.length > 0) return;
    setSending(true);
    const input = {
      buyers: Number(values.buyers),
      units: Number(values.units),
      servers: Number(values.servers),
      lock: values.lock as SaleTrialLock,
    };
    const { data, error } = await client.mutation(ConsoleStartSaleTrialDocument, { input });
    setSending(false);
    if (error) {
      const outcome = outcomeOfError(error);
      setErrors('errors' in outcome ? outcome.errors : {});
      return;
    }
    const answer = data?.startSaleTrial;
    if (answer?.__typename === 'InvalidInputError') {
      setErrors({ [answer.field.split('.').at(-1) ?? '']: answer.message });
    } else if (answer?.__typename === 'SaleTrialUnderWay') setErrors({ '': answer.message });
    onChange();
  };
  const change = (name: keyof Values) => (value: string) => {
    setValues({ ...values, [name]: value });
    setErrors({});
  };
  return { values, errors, sending, start, change };
}

interface FormProps {
  /** The one under way. */
  readonly trial: Trial | null;
  readonly onChange: () => void;
}

function StartForm({ trial, onChange }: FormProps) {
  const { values, errors, sending, start, change } = useStart(onChange);
  return (
    <Panel>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!sending && !trial) void start();
        }}
      >
        <div className="form-row">
          {NUMBERS.map(({ name, label }) => (
            <Field
              key={name}
              id={`sale-${name}`}
              field={{ name, label, kind: 'number', required: true }}
              value={values[name]}
              error={errors[name]}
              onChange={change(name)}
            />
          ))}
          <Field
            id="sale-lock"
            field={{
              name: 'lock',
              label: 'Which way (STOCK_LOCK)',
              kind: 'select',
              required: true,
              options: WAYS,
            }}
            value={values.lock}
            error={errors.lock}
            onChange={change('lock')}
          />
          {trial ? (
            <StopButton id={trial.id} onStop={onChange} />
          ) : (
            <button className="button button-primary" type="submit" aria-disabled={sending}>
              <Icon name="sale" />
              {sending ? 'Starting …' : 'Start the sale'}
            </button>
          )}
        </div>
        {errors[''] ? (
          <p className="field-error" role="alert">
            {errors['']}
          </p>
        ) : null}
      </form>
    </Panel>
  );
}

function StopButton({ id, onStop }: { readonly id: string; readonly onStop: () => void }) {
  const client = useClient();
  return (
    <button
      className="button button-danger"
      type="button"
      onClick={() => {
        void client.mutation(ConsoleStopSaleTrialDocument, { input: { id } }).then(onStop);
      }}
    >
      Stop
    </button>
  );
}
