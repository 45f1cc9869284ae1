/** What follows live changes by reading anew: a sale changes a product many times in a second. */
import { useEffect, useRef, useState } from 'react';

/** What is read anew is read this often at most. */
export const READ_INTERVAL_MS = 1_000;

/** Follows a number, at most once in an interval, and calls back with each step. */
export function useThrottled(value: number, onStep: () => void): number {
  const [shown, setShown] = useState(value);
  const step = useRef(onStep);
  step.current = onStep;
  const last = useRef(0);
  useEffect(() => {
    if (value === shown) return;
    const rest = Math.max(0, last.current + READ_INTERVAL_MS - performance.now());
    const timer = setTimeout(() => {
      last.current = performance.now();
      setShown(value);
      step.current();
    }, rest);
    return () => {
      clearTimeout(timer);
    };
  }, [value, shown]);
  return shown;
}
