// An address that answers each request with one picture (a snapshot), as many network cameras have one. ffmpeg reads a stream only.
import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Why there is no picture, in the words of the HTTP status or of the system's error. */
export class SnapshotFault extends Error {}

export interface SnapshotAddress {
  /** The bytes of the picture that the camera gives now: JPEG, PNG or WebP. Errors: SnapshotFault. */
  get(signal: AbortSignal): Promise<Buffer>;
}

/** For one picture with all redirections, milliseconds. */
const shippedPictureMs = 10_000;
/** Bytes: more than a JPEG of any camera. */
const mostBytes = 20_000_000;
const mostRedirects = 5;

/** The fault of an address that answers with something else, such as a stream. */
export const notAPicture = 'the address gives no picture';

/** `address`: http:// or https://, its login encoded. As with ffmpeg, the certificate is not checked: cameras sign their own. */
export function createSnapshotAddress(address: string, pictureMs = shippedPictureMs): SnapshotAddress {
  return {
    async get(signal) {
      const late = AbortSignal.timeout(pictureMs);
      const either = AbortSignal.any([signal, late]);
      try {
        return await fetchPicture(new URL(withoutZone(address)), zoneOf(address), either);
      } catch (error) {
        if (error instanceof SnapshotFault) throw error;
        if (late.aborted) throw new SnapshotFault(`Connection timed out: no picture within ${pictureMs / 1000} s`);
        const { code, message } = error as NodeJS.ErrnoException;
        throw new SnapshotFault(code === undefined ? message : `${code}: ${message}`);
      }
    },
  };
}

// URL knows no zone of an IPv6 address (`[fe80::1%eth0]`).
const zonePattern = /^(https?:\/\/(?:[^@/?#]*@)?\[[^\]%]*)(%[^\]]*)\]/i;
const withoutZone = (address: string): string => address.replace(zonePattern, '$1]');
const zoneOf = (address: string): string => zonePattern.exec(address)?.[2] ?? '';

/** `zone` belongs to the host of `start`. */
async function fetchPicture(start: URL, zone: string, signal: AbortSignal): Promise<Buffer> {
  let url = start;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    // A login is sent to the host that it was written for.
    const login = url.host === start.host ? loginOf(start) : null;
    const host = `${url.hostname.replace(/^\[|\]$/g, '')}${url.host === start.host ? zone : ''}`;
    let answer = await ask(url, host, login === null ? null : basic(login), signal);
    const challenge = answer.headers['www-authenticate'] ?? '';
    if (answer.statusCode === 401 && login !== null && /^digest /i.test(challenge)) {
      answer.destroy();
      answer = await ask(url, host, digest(login, challenge, `${url.pathname}${url.search}`), signal);
    }
    const status = answer.statusCode ?? 0;
    if (status >= 300 && status < 400 && answer.headers.location !== undefined) {
      answer.destroy();
      url = new URL(answer.headers.location, url);
      if (!/^https?:$/.test(url.protocol)) throw new SnapshotFault(notAPicture);
      continue;
    }
    if (status !== 200) {
      answer.destroy();
      throw new SnapshotFault(`${status} ${answer.statusMessage ?? ''}`.trim());
    }
    return bodyOf(answer);
  }
  throw new SnapshotFault('the address is redirected again and again');
}

/** Cameras write headers that no standard allows; their answer is a picture all the same. */
function ask(url: URL, host: string, authorization: string | null, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    host,
    port: url.port === '' ? null : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { accept: 'image/*', ...(authorization === null ? {} : { authorization }) },
    agent: false,
    insecureHTTPParser: true,
    rejectUnauthorized: false,
    signal,
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(options, resolve);
    request.on('error', reject);
    request.end();
  });
}

/** The whole body, if it begins as a picture does. A stream is left at its first bytes. */
async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    const isStart = bytes < magicBytes;
    bytes += chunk.length;
    if (isStart && bytes >= magicBytes && !isPicture(Buffer.concat(chunks))) throw new SnapshotFault(notAPicture);
    if (bytes > mostBytes) throw new SnapshotFault(`the picture has more than ${mostBytes / 1e6} MB`);
  }
  if (bytes < magicBytes) throw new SnapshotFault(bytes === 0 ? 'the picture is empty' : notAPicture);
  return Buffer.concat(chunks);
}

const magicBytes = 12;

function isPicture(start: Buffer): boolean {
  const text = start.toString('latin1', 0, magicBytes);
  return text.startsWith('\xff\xd8\xff') || text.startsWith('\x89PNG') || /^RIFF.{4}WEBP/s.test(text);
}

interface Login {
  readonly user: string;
  readonly password: string;
}

function loginOf({ username, password }: URL): Login | null {
  if (username === '' && password === '') return null;
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

const basic = ({ user, password }: Login): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** RFC 7616 with `qop=auth`, and RFC 2069 for cameras without a `qop`. */
function digest({ user, password }: Login, challenge: string, path: string): string {
  const field = (name: string): string | null => {
    const [, quoted, plain] = new RegExp(`[ ,]${name}=(?:"([^"]*)"|([^\\s,]+))`, 'i').exec(challenge) ?? [];
    return quoted ?? plain ?? null;
  };
  const algorithm = field('algorithm');
  const hash = (text: string): string =>
    createHash(/^sha-?256/i.test(algorithm ?? '') ? 'sha256' : 'md5')
      .update(text)
      .digest('hex');
  const [realm, nonce, opaque] = [field('realm') ?? '', field('nonce') ?? '', field('opaque')];
  const client = randomBytes(8).toString('hex');
  const one = hash(`${user}:${realm}:${password}`);
  const two = hash(`GET:${path}`);
  const hasQop = /\bauth\b/.test(field('qop') ?? '');
  const response = hasQop ? hash(`${one}:${nonce}:00000001:${client}:auth:${two}`) : hash(`${one}:${nonce}:${two}`);
  return [
    `Digest username="${user.replace(/["\\]/g, '\\$&')}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${path}"`,
    `response="${response}"`,
    ...(algorithm === null ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === null ? [] : [`opaque="${opaque}"`]),
    ...(hasQop ? ['qop=auth', 'nc=00000001', `cnonce="${client}"`] : []),
  ].join(', ');
}
