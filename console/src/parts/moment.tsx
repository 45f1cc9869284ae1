/** A moment in the reader's own time, exact where the pointer rests on it. */
import type { ReactNode } from 'react';
import { exactMoment, moment } from './format';

export function Moment({
  at,
  className,
  children = moment(at),
}: {
  readonly at: string;
  readonly className?: string;
  readonly children?: ReactNode;
}) {
  return (
    <time className={className} dateTime={at} title={exactMoment(at)}>
      {children}
    </time>
  );
}
