/**
 * Lets a new connection be silent for as long as one between two requests: balancers open connections ahead. Node
 * counts the time for a first request's headers from the connection's beginning, so it gets the connection only with
 * its first byte.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** To be called before anything else listens for connections. */
export function giveAtFirstByte(server: Server, silenceMaxMs: number): void {
  const nodes = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const given = new WeakSet<Socket>();
  server.on('connection', (socket: Socket) => {
    const give = () => {
      given.add(socket);
      for (const listener of nodes) listener.call(server, socket);
    };
    // It comes a second time where its request offered an upgrade that was not taken.
    if (given.has(socket)) give();
    else atFirstByte(socket, silenceMaxMs, give);
  });
}

function atFirstByte(socket: Socket, silenceMaxMs: number, give: () => void): void {
  const hangUp = () => {
    socket.destroy();
  };
  // Without a listener, a reset would end the process.
  socket.on('error', hangUp);
  socket.setTimeout(silenceMaxMs, hangUp);
  // The byte stays in the socket's buffer, from which Node's parser reads it.
  socket.once('readable', () => {
    socket.off('error', hangUp);
    socket.off('timeout', hangUp);
    socket.setTimeout(0);
    give();
  });
}
