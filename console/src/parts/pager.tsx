/** Goes through a list page by page, forward by the end cursor of the page that is shown, and back. */
import { useState, type ReactNode } from 'react';
import { Empty } from './states';

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

export interface Pages {
  /** The cursor after which the page that is shown begins. */
  readonly after: string | null;
  /** From 1. */
  readonly number: number;
  readonly back: () => void;
  readonly goOn: (cursor: string | null) => void;
}

export function usePages(): Pages {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  return {
    after: cursors.at(-1) ?? null,
    number: cursors.length,
    back: () => {
      setCursors(cursors.slice(0, -1));
    },
    goOn: (cursor) => {
      setCursors([...cursors, cursor]);
    },
  };
}

/**
 * The buttons below a list. Nothing where the list has one page. They stay while a page is read, and those that lead
 * nowhere keep the focus: a button that is disabled, or gone, would take it from the keyboard.
 */
export function Pager({
  pages,
  info,
  back,
  on,
  children,
}: {
  readonly pages: Pages;
  /** Of the page that is shown; undefined until it is read. */
  readonly info: PageInfo | undefined;
  /** What the buttons say. */
  readonly back: string;
  readonly on: string;
  readonly children?: ReactNode;
}) {
  const hasNext = info?.hasNextPage ?? false;
  const isFirst = pages.number === 1;
  if (!hasNext && isFirst) return null;
  return (
    <div className="more">
      <button
        className="button button-small"
        type="button"
        aria-disabled={isFirst}
        onClick={() => {
          if (!isFirst) pages.back();
        }}
      >
        {back}
      </button>
      {children}
      <button
        className="button button-small"
        type="button"
        aria-disabled={!hasNext}
        onClick={() => {
          if (hasNext) pages.goOn(info?.endCursor ?? null);
        }}
      >
        {on}
      </button>
    </div>
  );
}

/**
 * Says that a list goes on behind a page which is shorter than it was asked for, or empty. The server compares a
 * bounded number of entries for one page.
 */
export function GoesOn({
  shown,
  pageSize,
  info,
  what,
  on,
}: {
  readonly shown: number;
  readonly pageSize: number;
  readonly info: PageInfo | undefined;
  /** One entry, as in `line`. */
  readonly what: string;
  /** What the button says that goes on. */
  readonly on: string;
}) {
  if (!info?.hasNextPage || shown >= pageSize) return null;
  return (
    <Empty title={`No ${shown === 0 ? '' : 'other '}${what} matches so far.`}>
      The list goes on: one page compares a bounded number of entries. “{on}” compares the next
      ones.
    </Empty>
  );
}
