/**
 * A way to MySQL that breaks exactly at COMMIT, or holds a statement back. It understands just enough of the protocol
 * to see a COMMIT pass and to see the server's answer to it, which no general proxy can: what becomes of a transaction
 * whose COMMIT was cut is the one thing that a client of MySQL can't see, so the tests must be able to choose it.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export type CommitFault =
  /** Nothing: for reaching the second COMMIT of an operation. */
  | 'PASS'
  /** The server never has it, and sees the connection end: it rolls back. */
  | 'CUT_BEFORE'
  /** The server has it; the client's side breaks while it is being carried out. */
  | 'CUT_DURING'
  /** The server has carried it out; its OK is swallowed. */
  | 'CUT_AFTER'
  /** The server never gets it, and neither end is told: both ends stay open and silent. */
  | 'SILENT_BEFORE'
  /** The server has carried it out, and neither end is told: both ends stay open and silent. */
  | 'SILENT_AFTER'
  /** The server never has it; the client is told that another transaction was faster. */
  | 'REFUSED_BEFORE'
  /** The same is told where it has been carried out, as by a member that leaves its group. */
  | 'REFUSED_AFTER'
  /** The client's side breaks; the server gets it with `deliverLate`, as from a network that has kept it. */
  | 'LATE';

export class MysqlProxy {
  private readonly faults: CommitFault[] = [];
  private readonly links = new Set<Link>();
  private readonly late: Link[] = [];
  private deaf = false;
  private holding: { readonly pattern: RegExp; readonly hasCome: () => void } | null = null;
  /** COMMITs that came from clients. */
  commitsSeen = 0;

  private constructor(
    private readonly server: Server,
    private target: URL,
    /** The database's address by way of the proxy. */
    readonly url: string,
  ) {
    server.on('connection', (client) => {
      const upstream = connect(Number(this.target.port || 3306), this.target.hostname);
      const link = new Link(client, upstream, this);
      if (this.deaf) link.fallSilent();
      this.links.add(link);
      // After silence one end may outlive the other.
      const ends = [client, upstream].map(
        (end) => new Promise((resolve) => end.once('close', resolve)),
      );
      void Promise.all(ends).then(() => this.links.delete(link));
    });
  }

  static async start(databaseUrl: string): Promise<MysqlProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port was given.');
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String(address.port);
    // A COMMIT is only seen in clear text.
    url.searchParams.set('ssl-mode', 'DISABLED');
    return new MysqlProxy(server, new URL(databaseUrl), url.href);
  }

  /** What happens at the next COMMITs, one after another; then all is well again. */
  atCommit(...faults: readonly CommitFault[]): void {
    this.faults.push(...faults);
  }

  forgetFaults(): void {
    this.faults.length = 0;
  }

  /** Faults that have not happened yet: a test that ends with some has not shown what it says. */
  get faultsLeft(): number {
    return this.faults.length;
  }

  /** Holds back the next statement that matches, and all behind it on its connection. Resolves when it has come. */
  holdAt(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.holding = { pattern, hasCome: resolve };
    });
  }

  /** Forgets what `holdAt` waits for. */
  holdNothing(): void {
    this.holding = null;
  }

  /** Sends on what was held back, in its order. */
  letGo(): void {
    for (const link of this.links) link.letGo();
  }

  /** From now on no byte passes in either direction, on old connections and new ones; neither end is told. */
  fallSilent(): void {
    this.deaf = true;
    for (const link of this.links) link.fallSilent();
  }

  /** New connections lead to this server; present ones stay where they are. */
  leadTo(databaseUrl: string): void {
    this.target = new URL(databaseUrl);
  }

  keepForLater(link: Link): void {
    this.late.push(link);
  }

  /** Gives the server the COMMITs that were kept. Resolves with its answers: 0, or the number of its error. */
  async deliverLate(): Promise<readonly number[]> {
    return Promise.all(this.late.splice(0).map((link) => link.deliverLate()));
  }

  /** Ends the connections that had fallen silent, as routers and keep-alive do after a while; new ones work. */
  heal(): void {
    this.deaf = false;
    for (const link of this.links) link.endIfSilent();
  }

  async stop(): Promise<void> {
    for (const link of this.links) link.end();
    this.server.close();
    await once(this.server, 'close');
  }

  isToBeHeld(statement: string): boolean {
    if (!this.holding?.pattern.test(statement)) return false;
    this.holding.hasCome();
    this.holding = null;
    return true;
  }

  nextFault(): CommitFault {
    this.commitsSeen += 1;
    return this.faults.shift() ?? 'PASS';
  }
}

const HEADER_BYTES = 4;
const COM_QUERY = 3;
const ERROR_PACKET = 0xff;
/** Group Replication's answer to a COMMIT that it refuses: error 3101 of the SQL state HY000, without a text. */
const CERTIFICATION_FAILED = Buffer.from('\x09\x00\x00\x01\xff\x1d\x0c#HY000', 'latin1');
const STATEMENT_BEGINNING_BYTES = 200;

/** One client's connection and its counterpart at the server. */
class Link {
  private fromClient = Buffer.alloc(0);
  private silent = false;
  private onAnswer: ((answer: Buffer) => void) | null = null;
  private kept: Buffer | null = null;
  /** What came since a statement was held back; null while none is. */
  private held: Buffer[] | null = null;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly proxy: MysqlProxy,
  ) {
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
    }
    client.on('data', (chunk: Buffer) => {
      this.forward(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      this.answer(chunk);
    });
    // An end that has fallen silent does not learn of the other one's.
    client.on('close', () => {
      if (!this.silent) server.destroy();
    });
    server.on('close', () => {
      if (!this.silent) client.destroy();
    });
  }

  fallSilent(): void {
    this.silent = true;
  }

  letGo(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const packet of held) this.pass(packet);
  }

  async deliverLate(): Promise<number> {
    const answer = new Promise<Buffer>((resolve) => (this.onAnswer = resolve));
    this.server.write(this.kept ?? Buffer.alloc(0));
    const packet = await answer;
    this.end();
    return packet[HEADER_BYTES] === ERROR_PACKET ? packet.readUInt16LE(HEADER_BYTES + 1) : 0;
  }

  endIfSilent(): void {
    if (this.silent) this.end();
  }

  end(): void {
    this.client.destroy();
    this.server.destroy();
  }

  /** Whole packets only: a COMMIT is recognised before any byte of it has passed. */
  private forward(chunk: Buffer): void {
    this.fromClient = Buffer.concat([this.fromClient, chunk]);
    while (this.fromClient.length >= HEADER_BYTES) {
      const length = HEADER_BYTES + this.fromClient.readUIntLE(0, 3);
      if (this.fromClient.length < length) return;
      const packet = this.fromClient.subarray(0, length);
      this.fromClient = this.fromClient.subarray(length);
      const statement = statementOf(packet);
      if (!this.held && statement !== null && this.proxy.isToBeHeld(statement)) this.held = [];
      if (this.held) this.held.push(packet);
      else this.pass(packet);
    }
  }

  private pass(packet: Buffer): void {
    if (this.silent) return;
    if (/^COMMIT\b/i.test(statementOf(packet) ?? '')) this.commit(packet);
    else this.server.write(packet);
  }

  private commit(packet: Buffer): void {
    switch (this.proxy.nextFault()) {
      case 'PASS':
        this.server.write(packet);
        return;
      case 'CUT_BEFORE':
        this.end();
        return;
      case 'CUT_DURING':
        this.fallSilent();
        this.server.end(packet);
        this.client.destroy();
        return;
      case 'CUT_AFTER':
        this.passAndThen(packet, () => {
          this.end();
        });
        return;
      case 'SILENT_BEFORE':
        this.fallSilent();
        return;
      case 'SILENT_AFTER':
        this.passAndThen(packet, () => {
          this.fallSilent();
        });
        return;
      case 'REFUSED_BEFORE':
        this.refuse();
        return;
      case 'REFUSED_AFTER':
        this.passAndThen(packet, () => {
          this.refuse();
        });
        return;
      case 'LATE':
        this.fallSilent();
        this.kept = Buffer.from(packet);
        this.proxy.keepForLater(this);
        this.client.destroy();
    }
  }

  /** @param then when the server's answer is there. */
  private passAndThen(packet: Buffer, then: () => void): void {
    this.onAnswer = then;
    this.server.write(packet);
  }

  private refuse(): void {
    this.client.write(CERTIFICATION_FAILED);
  }

  private answer(chunk: Buffer): void {
    if (this.onAnswer) {
      this.onAnswer(chunk);
      this.onAnswer = null;
    } else if (!this.silent) {
      this.client.write(chunk);
    }
  }
}

/** How the statement begins that a packet carries; null where it carries none. */
function statementOf(packet: Buffer): string | null {
  if (packet[HEADER_BYTES] !== COM_QUERY) return null;
  // A client that knows query attributes says first, in two bytes that begin with 0, that there are none.
  const textAt = HEADER_BYTES + (packet[HEADER_BYTES + 1] === 0 ? 3 : 1);
  return packet.toString('utf8', textAt, textAt + STATEMENT_BEGINNING_BYTES);
}
