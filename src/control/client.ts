// The client of the control socket, for the command line.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type ErrorCode, errorTable, fail, RoomkinError } from '../base/errors.js';
import { answerSchemas } from './answers.js';
import type { SocketPath } from './path.js';
import { type ControlRequest, type RequestLine, requestLine } from './protocol.js';

/** The slowest request stops a camera that ignores SIGINT, which takes a few seconds. */
const answerWithinMs = 20_000;
/** Longest answer, and longest line of a stream, in characters. A longer one is a fault of the daemon. A picture takes up to 1 MiB. */
const maxAnswerLength = 4 << 20;

/**
 * Asks the daemon once. `Result` is the type that protocol.ts gives for the request; the answer is checked for its form.
 * Errors: DAEMON_NOT_RUNNING if no daemon answers or one of another version does, and the error that the daemon answers with.
 */
export async function askDaemon<Result>(
  place: SocketPath,
  request: ControlRequest,
  timeoutMs = answerWithinMs,
  signal?: AbortSignal,
): Promise<Result> {
  const late = AbortSignal.timeout(timeoutMs);
  const ending = signal === undefined ? late : AbortSignal.any([late, signal]);
  try {
    return checkedAnswer<Result>(request, await bodyOf(await send(place, requestLine(request), ending)));
  } catch (error) {
    signal?.throwIfAborted();
    if (!late.aborted && !isDisconnection(error)) throw error;
    const why = late.aborted ? `nothing came within ${timeoutMs / 1000} s` : 'it closed the connection';
    throw fail('DAEMON_NOT_RUNNING', `the daemon did not answer: ${why} (journalctl -u roomkin says more)`, error);
  }
}

/** Yields each update until `signal` is aborted. Throws DAEMON_NOT_RUNNING if the daemon stops. */
export async function* followDaemon<Result>(
  place: SocketPath,
  request: ControlRequest,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  try {
    const response = await send(place, requestLine(request), signal);
    for await (const line of linesOf(response)) yield checkedAnswer<Result>(request, line);
  } catch (error) {
    if (!signal.aborted && !isDisconnection(error)) throw error;
  }
  if (!signal.aborted) throw fail('DAEMON_NOT_RUNNING', 'the daemon has stopped');
}

/** Returns the response if its status is 200. Errors: the error that the daemon answers with; DAEMON_NOT_RUNNING. */
async function send(place: SocketPath, request: RequestLine, signal: AbortSignal): Promise<IncomingMessage> {
  let forbidden: string | null = null;
  for (const socketPath of place.connect) {
    try {
      const response = await open(socketPath, request, signal);
      if (response.statusCode === 200) return response;
      throw errorOf(await bodyOf(response));
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EACCES') forbidden ??= socketPath;
      else if (code.startsWith('HPE_')) throw new AnotherVersionError(error);
      else if (code !== 'ENOENT' && code !== 'ECONNREFUSED' && code !== 'ENOTSOCK') throw error;
    }
  }
  if (forbidden !== null) {
    throw fail(
      'DAEMON_NOT_RUNNING',
      `no permission to open ${forbidden}: use sudo, or join its group (sudo usermod -aG roomkin "$USER") and log in again`,
    );
  }
  throw fail(
    'DAEMON_NOT_RUNNING',
    `no daemon answers for this room (tried ${place.connect.join(', ')}): start it with \`sudo systemctl start roomkin\` or \`roomkin run\``,
  );
}

function open(socketPath: string, { body, ...line }: RequestLine, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, ...line, agent: false, signal } as const;
    const request = httpRequest(options, resolve).once('error', reject);
    if (line.headers?.['expect'] === undefined) request.end(body);
    else {
      request.once('continue', () => request.end(body));
      request.flushHeaders();
    }
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    body += chunk;
    if (body.length > maxAnswerLength) throw tooLong('an answer', maxAnswerLength);
  }
  return body;
}

/** Not node:readline, which keeps a line of any length in memory. */
async function* linesOf(response: IncomingMessage, maxLength = maxAnswerLength): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if ([...lines, rest].some((line) => line.length > maxLength)) throw tooLong('a line', maxLength);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

export interface ResultWait {
  readonly signal: AbortSignal;
  /** So long without a line, milliseconds, and the daemon counts as gone. */
  readonly silentMs: number;
  /** Longest line, characters. Default: that of every other answer. */
  readonly maxLength?: number;
  readonly onProgress: (text: string) => void;
}

/**
 * The result of a request whose answer is lines of JSON: progress, then the result or an error. null where the answer ends without it.
 * Errors: DAEMON_NOT_RUNNING where none answers, the error of the answer, and an AbortError when `signal` aborts.
 */
export async function resultOf(
  place: SocketPath,
  line: RequestLine,
  { signal, silentMs, maxLength, onProgress }: ResultWait,
): Promise<{ readonly result: unknown } | null> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentMs);
  try {
    const response = await send(place, line, AbortSignal.any([signal, silence.signal]));
    for await (const text of linesOf(response, maxLength)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentMs);
      const message = parseAnswer(text) as { type?: unknown; text?: unknown; result?: unknown };
      if (message.type === 'progress') onProgress(String(message.text));
      else if (message.type === 'error') throw errorIn(message);
      else if (message.type === 'result') return { result: message.result };
    }
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (!silence.signal.aborted && !isDisconnection(error)) throw error;
    const why = silence.signal.aborted ? `nothing came within ${silentMs / 1000} s` : 'it closed the connection';
    throw fail('DAEMON_NOT_RUNNING', `the daemon did not answer: ${why} (journalctl -u roomkin says more)`, error);
  } finally {
    clearTimeout(timer);
  }
}

function tooLong(part: string, maxLength: number): Error {
  const advice = 'restart it, and report the problem if it happens again';
  return fail('INTERNAL', `the daemon sent ${part} of more than ${maxLength >> 20} MiB: ${advice}`);
}

/** The answer as it was sent, with members that this version does not know. */
function checkedAnswer<Result>(request: ControlRequest, text: string): Result {
  const answer = parseAnswer(text);
  const { success, error } = answerSchemas[request.verb].safeParse(answer);
  if (!success) throw new AnotherVersionError(error);
  return answer as Result;
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fail('INTERNAL', `the daemon's answer is not JSON (${(error as Error).message}): restart the daemon`, error);
  }
}

const errorSchema = z.object({ code: z.string(), message: z.string() });

/** The daemon runs, but does not understand the request, or its answer is not understood here. */
export class AnotherVersionError extends RoomkinError {
  constructor(cause?: unknown) {
    super(
      'DAEMON_NOT_RUNNING',
      'the running daemon has another version: restart it',
      cause === undefined ? undefined : { cause },
    );
  }
}

function errorOf(body: string): Error {
  return errorIn(parseAnswer(body));
}

/** The error that the daemon reports as `answer`. */
function errorIn(answer: unknown): Error {
  const parsed = errorSchema.safeParse(answer);
  if (!parsed.success)
    return fail('INTERNAL', 'the daemon refused the request without a reason: see journalctl -u roomkin');
  const { code, message } = parsed.data;
  if (code === 'REQUEST_UNKNOWN') return new AnotherVersionError(fail(code, message));
  return fail(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'INTERNAL', message);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Whether an error means that the daemon ended the connection or the caller's signal aborted it. */
function isDisconnection(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ABORT_ERR'].includes(
    codeOf(error),
  );
}
