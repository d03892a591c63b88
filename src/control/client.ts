// The command line's end of the control socket.
import type { Socket } from 'node:net';
import { type ErrorCode, errorTable, fail } from '../base/errors.js';
import { LineRefused, readLines } from './lines.js';
import type { SocketPath } from './path.js';
import { type ControlRequest, maxReplyBytes } from './protocol.js';
import { connectControl } from './server.js';

/** Stopping a camera that ignores SIGINT takes the daemon a few seconds; nothing takes it this long. */
const replyWithinMs = 20_000;

/**
 * Asks the daemon once. Errors: DAEMON_NOT_RUNNING when none answers, and whatever the daemon answers with.
 * The result has the type the protocol says; it comes from our own daemon over a socket only it and its group may open.
 */
export async function askDaemon<Result>(
  place: SocketPath,
  request: ControlRequest,
  timeoutMs = replyWithinMs,
): Promise<Result> {
  const late = AbortSignal.timeout(timeoutMs);
  for await (const result of converse<Result>(place, request, late)) return result;
  throw fail(
    'DAEMON_NOT_RUNNING',
    `the daemon did not answer: ${late.aborted ? `nothing came within ${timeoutMs / 1000} s` : 'it closed the connection'} (journalctl -u roomkin says more)`,
  );
}

/** Yields each result until the daemon stops (then throws DAEMON_NOT_RUNNING) or `signal` is aborted (then ends). */
export async function* followDaemon<Result>(
  place: SocketPath,
  request: ControlRequest,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  yield* converse<Result>(place, request, signal);
  if (!signal.aborted) throw fail('DAEMON_NOT_RUNNING', 'the daemon has stopped');
}

async function* converse<Result>(
  place: SocketPath,
  request: ControlRequest,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const socket = await reach(place);
  const leave = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  socket.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of readLines(socket, maxReplyBytes)) yield resultOf<Result>(line);
  } catch (error) {
    if (error instanceof LineRefused || error instanceof SyntaxError)
      throw fail('INTERNAL', `the daemon's answer makes no sense: ${error.message}`, error);
    // A connection that breaks is a daemon that went away, or our own `leave`.
    if (!isConnectionError(error)) throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    socket.destroy();
  }
}

function resultOf<Result>(line: string): Result {
  const reply = JSON.parse(line) as { ok?: unknown; result?: Result; code?: unknown; sentence?: unknown };
  if (reply.ok === true) return reply.result as Result;
  const known = typeof reply.code === 'string' && Object.hasOwn(errorTable, reply.code);
  throw fail(
    known ? (reply.code as ErrorCode) : 'INTERNAL',
    String(reply.sentence ?? 'the daemon refused without a reason'),
  );
}

async function reach(place: SocketPath): Promise<Socket> {
  let forbidden: string | null = null;
  for (const path of place.connect) {
    try {
      return await connectControl(path);
    } catch (error) {
      if (codeOf(error) === 'EACCES') forbidden ??= path;
    }
  }
  if (forbidden !== null) {
    throw fail(
      'DAEMON_NOT_RUNNING',
      `you may not open ${forbidden}: use sudo, or join its group (sudo usermod -aG roomkin "$USER") and log in again`,
    );
  }
  throw fail(
    'DAEMON_NOT_RUNNING',
    `no daemon answers for this room (looked at ${place.connect.join(', ')}): start it with \`sudo systemctl start roomkin\` or \`roomkin run\``,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function isConnectionError(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ABORT_ERR'].includes(
    String(codeOf(error)),
  );
}
