/** A term of Stockade that explains itself where it stands: by mouse, keyboard and touch. */
import * as Popover from '@radix-ui/react-popover';
import { useRef, useState, type ReactNode } from 'react';

const MEANINGS = {
  lane: 'The queue of one product in one server. Its requests wait here, outside the database.',
  owner: 'The server that has the lock of a product now. The others hand it their requests.',
  batch: 'The requests that share one transaction. One COMMIT answers all of them.',
  level: 'The stock of one product at one location.',
  hold: 'Units that a reservation keeps for a customer. They are on hand, but not available.',
  available: 'On hand, less the units that reservations hold. This is what can be sold.',
  'on hand': 'The units that are there, held ones included.',
  held: 'Units that active reservations keep for customers.',
  ledger: 'Every change of stock, in order and without a gap. It explains every unit.',
  movement: 'One line of the ledger: one change of one level.',
  sequence: '1, 2, 3 … for each product and location. A gap would show a missing line.',
  token: 'The number of the lock under which the line was written. It only grows.',
  principal: 'The name of the API key, or the subject of the JWT, that sent the request.',
  reference: 'The order or document that the caller gave with the request.',
  'idempotency key':
    'Makes a retry safe: one key has one effect, and is answered the same every time.',
  'compared quantity':
    'What you expect to be on hand. Where another quantity is found, nothing is set.',
  wait: 'From the arrival of a request to its turn.',
  commit: 'From the begin of a transaction to the return of COMMIT.',
  p99: '99 of 100 are this fast or faster.',
  'lock mode': 'STOCK_LOCK: what puts writes of one product in order. All ways are correct.',
  'time to sold out': 'Available units, divided by the units that were sold in the last seconds.',
  refused: 'Answered without a change, mostly because too few units were available.',
  archived: 'Out of sale: new deductions and reservations are refused. Stock and ledger stay.',
  'low stock': 'Available is at or below the threshold of the product.',
} as const;

export type TermName = keyof typeof MEANINGS;

export function Term({
  name,
  children,
}: {
  readonly name: TermName;
  readonly children?: ReactNode;
}) {
  const trigger = useRef<HTMLButtonElement>(null);
  const [dialog, setDialog] = useState<Element | null>(null);
  return (
    <Popover.Root
      onOpenChange={() => {
        setDialog(trigger.current?.closest('dialog') ?? null);
      }}
    >
      <Popover.Trigger ref={trigger} className="term" type="button">
        {children ?? name}
      </Popover.Trigger>
      {/* A modal dialog lies above everything that is not inside it. */}
      <Popover.Portal container={dialog}>
        <Popover.Content
          className="term-meaning"
          sideOffset={6}
          collisionPadding={12}
          aria-label={name}
        >
          {MEANINGS[name]}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
