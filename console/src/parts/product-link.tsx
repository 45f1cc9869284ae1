/**
 * Where the page of a product is. Browsers take the path segments `.` and `..`, also as `%2e`, for steps, and both are
 * valid ids. So such an id stands behind a `~`, which no id has.
 */
import type { ReactNode } from 'react';
import { Link } from 'react-router';

export function productPath(id: string): string {
  return `/products/${/^\.\.?$/.test(id) ? '~' : ''}${encodeURIComponent(id)}`;
}

/** @param segment of the path, decoded. */
export function productIdOf(segment: string): string {
  return segment.replace(/^~/, '');
}

export function ProductLink({
  id,
  className,
  children,
}: {
  readonly id: string;
  readonly className?: string;
  /** Default: the id. */
  readonly children?: ReactNode;
}) {
  return (
    <Link to={productPath(id)} className={className}>
      {children ?? id}
    </Link>
  );
}
