/**
 * A modal dialog: the browser's own, which keeps the focus inside, closes by Escape, and gives the focus back. It is on
 * the page only while it is open, so that each opening begins with fresh fields.
 */
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { Icon } from './icon';

export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className="dialog-frame">
        <div className="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button
            className="button button-quiet button-icon"
            type="button"
            aria-label="Close"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
