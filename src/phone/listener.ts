// The server of a page for one phone. It listens only while a command waits. The page that everybody may fetch is empty; each request of
// its script carries a sealed head, which proves the secret and cannot be replayed, before any byte of a body is read. Everything
// is bounded: connections, bytes, times, requests, wrong secrets.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { fail } from '../base/errors.js';
import { packageRoot } from '../base/files.js';
import { type Html, html } from './html.js';
import { fragmentOf, nonceBytes, open, seal, sealBytes } from './seal.js';
import { shell } from './shell.js';
import { type Language, languageOf, textsOf } from './texts.js';

/** A photo of 2,048 px takes at most 2 MB as the page compresses it. */
const maxPhotoBytes = 6 << 20;
const maxHeadBytes = 8192;
const maxConnections = 16;
/** A request must arrive within this time; a photo over a slow Wi-Fi takes some seconds. */
const requestWithinMs = 60_000;
const headersWithinMs = 10_000;
/** 8 hours with a question each second. */
const maxRequests = 30_000;
/** An address is refused after so many wrong secrets, and the listener ends after wrong ones from so many addresses. */
const maxWrong = 20;
const maxWrongAddresses = 100;
/** Another phone may take over when the first one was silent for this long. */
const silentMs = 120_000;

/** A request of the phone, checked for its form. */
export interface PageRequest {
  /** What was pressed; `ask` where the page only asks what is new. */
  readonly action: string;
  readonly given: Readonly<Record<string, string>>;
  readonly language: Language;
  /** A JPEG; null for none. */
  readonly photo: Uint8Array | null;
}

/** What the page shows: the content of each section by its id. */
export interface PageAnswer {
  readonly sections: Readonly<Record<string, Html>>;
  /** One sentence that a screen reader speaks; null for none. */
  readonly say: string | null;
  /** When the page asks again, milliseconds; null: never, it has ended. */
  readonly againMs: number | null;
  /** A photo was not taken, because too many wait: the page sends it again. */
  readonly full?: boolean;
  /** The faces of which there are pictures: by track, the id of its picture. The page shows no others. */
  readonly pictures?: Readonly<Record<string, number>>;
  /** Pictures that the page has asked for, by track: JPEGs in base64. */
  readonly jpegs?: Readonly<Record<string, string>>;
}

export interface Page {
  /** The ids of the sections, in their order. */
  readonly sections: readonly string[];
  title(language: Language): string;
  answer(request: PageRequest): PageAnswer | Promise<PageAnswer>;
}

export interface Listener extends AsyncDisposable {
  /** The address for the phone, with the secret in its fragment. */
  readonly address: string;
  /** Whether a phone has proved the secret. */
  readonly isConnected: boolean;
  /** Rejects when the limits are exhausted. Never resolves. */
  readonly exhausted: Promise<never>;
  /** Resolves when the phone has got an answer with `againMs: null`. */
  readonly ended: Promise<void>;
}

const headSchema = z.strictObject({
  phone: z.string().regex(/^[\w-]{22}$/),
  action: z.string().max(40),
  given: z.record(z.string().max(40), z.string().max(400)),
  language: z.string().max(40),
  /** By section: what the page shows already. */
  known: z.record(z.string().max(40), z.string().max(24)),
  photo: z.boolean(),
});

/** Files that everybody may fetch, by path. */
const files: Readonly<Record<string, { readonly type: string; readonly read: () => Buffer }>> = {
  '/page.js': script(join(packageRoot, 'page', 'page.js')),
  '/page.css': { type: 'text/css; charset=utf-8', read: () => readFileSync(join(packageRoot, 'page', 'page.css')) },
  ...Object.fromEntries(
    ['chacha.js', '_arx.js', '_poly1305.js', 'utils.js'].map((name) => {
      const folder = join(createRequire(import.meta.url).resolve('@noble/ciphers/chacha.js'), '..');
      return [`/noble/${name}`, script(join(folder, name))];
    }),
  ),
};

function script(path: string): { readonly type: string; readonly read: () => Buffer } {
  return { type: 'text/javascript; charset=utf-8', read: () => readFileSync(path) };
}

/** No script, style or picture from elsewhere, nothing inline, no frame, no form. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/**
 * Serves `page` on `addresses`, on one free port. The first address is the one for the phone. Errors: NETWORK_MISSING where an address is
 * not one of this machine.
 */
export async function startListener(options: {
  readonly addresses: readonly string[];
  readonly secret: Uint8Array;
  readonly page: Page;
  /** For tests. */
  readonly silentMs?: number;
}): Promise<Listener> {
  const { addresses, secret, page } = options;
  const usedNonces = new Set<string>();
  const wrong = new Map<string, number>();
  let phone: { readonly id: string; seenMs: number } | null = null;
  let exhaust = (_error: Error): void => {};
  const exhausted = new Promise<never>((_, reject) => {
    exhaust = reject;
  });
  exhausted.catch(() => {});
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const hosts = new Set<string>();

  function handle(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => response.destroy());
    const { method, url = '', headers } = request;
    // A name that leads to this machine is not the address of the code: a page of the internet may be behind it.
    const isOurs = hosts.has(headers.host ?? '');
    const file = isOurs && method === 'GET' && Object.hasOwn(files, url) ? files[url] : undefined;
    if (isOurs && method === 'GET' && url === '/') answerShell(request, response);
    else if (file !== undefined) answerFile(request, response, file.type, file.read());
    else if (isOurs && method === 'POST' && url === '/')
      answerSealed(request, response).catch(() => response.destroy());
    else refuse(response);
  }

  function answerShell(request: IncomingMessage, response: ServerResponse): void {
    const language = languageOf(request.headers['accept-language'] ?? '');
    const document = shell(language, page.title(language), page.sections);
    answerFile(request, response, 'text/html; charset=utf-8', Buffer.from(document.text));
  }

  async function answerSealed(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = request.socket.remoteAddress ?? '';
    if ((wrong.get(from) ?? 0) >= maxWrong) return refuse(response);
    const sealed = Buffer.from(String(request.headers['roomkin-request'] ?? ''), 'base64url');
    const nonce = sealed.subarray(0, nonceBytes).toString('base64url');
    const head = headOf(open(secret, 'request', sealed));
    if (head === null || usedNonces.has(nonce)) {
      if (head === null) countWrong(from);
      return refuse(response);
    }
    usedNonces.add(nonce);
    if (usedNonces.size >= maxRequests)
      return exhaust(fail('DAEMON_BUSY', `the page has answered ${maxRequests} requests: start the command again`));
    const language = languageOf(head.language);
    if (!isThePhone(head.phone)) {
      request.resume();
      const section = html`<p class="bad">${textsOf(language).otherPhone}</p>`;
      const sections = { [page.sections[0]!]: section };
      return answer(response, nonce, head.known, { sections, say: textsOf(language).otherPhone, againMs: 5000 });
    }
    const photo = head.photo ? await photoOf(request, nonce) : null;
    if (head.photo && photo === null) return refuse(response);
    if (!head.photo) request.resume();
    const { action, given } = head;
    answer(response, nonce, head.known, await page.answer({ action, given, language, photo }));
  }

  /** One phone at a time: the first one, until it is silent for long. */
  function isThePhone(id: string): boolean {
    const nowMs = performance.now();
    if (phone !== null && phone.id !== id && nowMs - phone.seenMs < (options.silentMs ?? silentMs)) return false;
    phone = { id, seenMs: nowMs };
    return true;
  }

  function countWrong(from: string): void {
    wrong.set(from, (wrong.get(from) ?? 0) + 1);
    if (wrong.size > maxWrongAddresses)
      exhaust(fail('DAEMON_BUSY', 'wrong secrets came from many addresses of the network: start the command again'));
  }

  /** null where it is too long, was cut off, or is not sealed for this request. */
  async function photoOf(request: IncomingMessage, nonce: string): Promise<Uint8Array | null> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxPhotoBytes + sealBytes) return null;
      chunks.push(chunk);
    }
    return open(secret, `photo ${nonce}`, Buffer.concat(chunks));
  }

  /** Only the sections that the page does not show yet. */
  function answer(
    response: ServerResponse,
    nonce: string,
    known: Readonly<Record<string, string>>,
    { sections, say, againMs, full = false, ...pictures }: PageAnswer,
  ): void {
    const changed = Object.entries(sections)
      .map(([id, { text }]) => ({ id, html: text, version: versionOf(text) }))
      .filter(({ id, version }) => known[id] !== version);
    const content = JSON.stringify({ sections: changed, say, againMs, full, ...pictures });
    const body = seal(secret, `answer ${nonce}`, Buffer.from(content));
    if (againMs === null) response.once('close', end);
    response.writeHead(200, { ...securityHeaders, 'content-type': 'application/octet-stream' });
    response.end(body);
  }

  const servers: Server[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(
      servers.splice(0).map((server) => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        return closed;
      }),
    );
  };
  let port = 0;
  try {
    for (const address of addresses) {
      const server = createServer(
        {
          maxHeaderSize: 2 * maxHeadBytes,
          headersTimeout: headersWithinMs,
          requestTimeout: requestWithinMs,
          keepAliveTimeout: 5000,
          connectionsCheckingInterval: 1000,
        },
        handle,
      );
      server.maxConnections = maxConnections;
      server.on('clientError', (_, socket) => socket.destroy());
      // The port that is free for the first address may be taken for another one, which is then left out.
      const bound = await listen(server, address, port).catch((error: NodeJS.ErrnoException) => {
        if (port === 0)
          throw fail(
            'NETWORK_MISSING',
            `no page can be served on ${address} (${error.code}): is it an address of this machine?`,
          );
        return null;
      });
      if (bound === null) continue;
      port = bound;
      servers.push(server);
      hosts.add(hostOf(address, port));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: `http://${hostOf(addresses[0]!, port)}/#${fragmentOf(secret)}`,
    get isConnected() {
      return phone !== null;
    },
    exhausted,
    ended,
    [Symbol.asyncDispose]: stop,
  };
}

function hostOf(address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => resolve((server.address() as AddressInfo).port));
  });
}

function headOf(content: Uint8Array | null): z.output<typeof headSchema> | null {
  if (content === null) return null;
  try {
    return headSchema.parse(JSON.parse(Buffer.from(content).toString('utf8')));
  } catch {
    return null;
  }
}

/** Tells two contents of a section apart. */
function versionOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** The same answer for everything that is not known or not proved. */
function refuse(response: ServerResponse): void {
  response.writeHead(404, { ...securityHeaders, connection: 'close' });
  response.end();
}

function answerFile(request: IncomingMessage, response: ServerResponse, type: string, content: Buffer): void {
  const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = isZipped ? gzipSync(content, { level: 9 }) : content;
  const encoding = isZipped ? { 'content-encoding': 'gzip' } : {};
  response.writeHead(200, { ...securityHeaders, ...encoding, 'content-type': type, 'content-length': body.length });
  response.end(body);
}
