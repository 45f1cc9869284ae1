/** The frame of a page: its title, what can be done on it, and a heading for the browser's tab. */
import { useEffect, type ReactNode } from 'react';

export function Page({
  title,
  above,
  lead,
  actions,
  children,
}: {
  readonly title: string;
  /** Above the title: where the page belongs. */
  readonly above?: ReactNode;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Stockade`;
  }, [title]);
  return (
    <article className="page">
      <header className="page-head">
        <div className="page-title">
          {above ? <div className="page-above">{above}</div> : null}
          <h1>{title}</h1>
          {lead ? <p className="page-lead">{lead}</p> : null}
        </div>
        {actions ? <div className="page-actions">{actions}</div> : null}
      </header>
      {children}
    </article>
  );
}

export function Panel({
  title,
  aside,
  children,
  flush = false,
}: {
  readonly title?: ReactNode;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  /** Without space around its content, for tables. */
  readonly flush?: boolean;
}) {
  return (
    <section className={flush ? 'panel panel-flush' : 'panel'}>
      {title ? (
        <div className="panel-head">
          <h2>{title}</h2>
          {aside ? <div className="panel-aside">{aside}</div> : null}
        </div>
      ) : null}
      <div className="panel-body">{children}</div>
    </section>
  );
}

export interface Figure {
  readonly label: ReactNode;
  readonly value: ReactNode;
  readonly note?: ReactNode;
  readonly tone?: 'good' | 'warn' | 'bad' | undefined;
}

export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl className="figures">
      {figures.map(({ label, value, note, tone }, position) => (
        <div className="figure" data-tone={tone} key={position}>
          <dt>{label}</dt>
          <dd>
            {value}
            {note ? <span className="figure-note">{note}</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Badge({
  tone = 'plain',
  children,
}: {
  readonly tone?: 'plain' | 'good' | 'warn' | 'bad' | 'accent';
  readonly children: ReactNode;
}) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  );
}
