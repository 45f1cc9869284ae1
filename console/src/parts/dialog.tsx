/**
 * A modal dialog: the browser's own, which keeps the focus inside, closes by Escape, and gives the focus back. It is on
 * the page only while it is open, so that each opening begins with fresh fields.
 */
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { Icon } from './icon';

export function Dialog({
  title,
  onClose,
  isHeld = false,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  /** It stays open for now, whatever is pressed. */
  readonly isHeld?: boolean;
  readonly children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isPressedOutside = useRef(false);
  const heading = useId();
  const close = () => {
    if (!isHeld) onClose();
  };
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
      onCancel={(event) => {
        if (isHeld && event.target === dialog.current) event.preventDefault();
      }}
      onClose={() => {
        // Strict mode closes it and opens it again; the event of that comes when it is open.
        if (dialog.current?.open === true) return;
        // A second Escape closes it although the first was prevented: browsers let no page keep a dialog open.
        if (isHeld) dialog.current?.showModal();
        else onClose();
      }}
      onPointerDown={(event) => {
        isPressedOutside.current = event.target === dialog.current;
      }}
      onClick={(event) => {
        // Text that is selected with the mouse may be released outside.
        if (isPressedOutside.current && event.target === dialog.current) close();
      }}
    >
      <div className="dialog-frame">
        <div className="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button
            className="button button-quiet button-icon"
            type="button"
            aria-label="Close"
            onClick={close}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
