// Addresses of cameras with passwords: what ffmpeg is given, and what a log may show of it.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { addressFault, readAddress } from '../../src/camera/address.js';
import { openCamera } from '../../src/camera/open.js';
import { parseConfig } from '../../src/config/load.js';
import { quickOptions, until } from './camera-harness.js';

/** Every character that has a meaning in an address, alone and together. */
const passwords = [
  's3/cret',
  's3#cret',
  's3?cret',
  's3@cret',
  's3%cret',
  's3%zzcret',
  's3:cret',
  "s3'cret",
  's3 cret',
  's3\\cret',
  's3&cret=1',
  's3[cret]',
  's3-cret',
  's3@/cret',
  's3^$.*+(){}|_~!,;`<>"cret',
  's3ü小cret',
  '12345/s3cret',
  'p@ss/w#rd?x%y:z',
  '@s3cret@',
  '/s3cret',
];
const encoded = (text: string): string => encodeURIComponent(text).replace(/'/g, '%27');
/** Parts of the passwords that no line may hold. */
const leaks = /s3.{0,12}cret|p(@|%40)ss|w(#|%23)rd|czM|s3\//i;

t.test('a password is understood as the user wrote it, and given encoded', async (t) => {
  for (const password of passwords) {
    for (const place of ['192.168.1.9:554', 'cam.lan', '[fe80::1]:554']) {
      // Without a dot or colons after it, digits before a slash may be a port. See below.
      if (place === 'cam.lan' && /^\d/.test(password)) continue;
      for (const written of [password, encoded(password)]) {
        const input = `rtsp://ada:${written}@${place}/live?channel=1`;
        t.equal(addressFault(input), null, input);
        const { address } = readAddress(input);
        const [, sent, host] = /^rtsp:\/\/ada:([^@/?#]*)@([^@/?#]*)\/live\?channel=1$/.exec(address) ?? [];
        t.equal(host, place, `${input} → ${address}`);
        t.equal(decodeURIComponent(sent ?? ''), password, input);
      }
    }
  }
});

t.test('addresses that are right stay as they are', async (t) => {
  for (const input of [
    'rtsp://cam.lan/live',
    'rtsp://cam:554/live',
    'rtsp://ada@cam/live',
    'rtsp://ada:secret@cam/live',
    'rtsp://ada:s%2Fcret@cam:554/live',
    'rtsp://ada:pw@cam.lan/user@example.org/live',
    'rtsp://cam.lan:554/user@example.org/live',
    'rtsp://cam/user@example.org/live',
    'rtsp://192.168.1.9:554/user@example.org',
    'http://cam:80/cgi?user=ada&password=p@ss',
    'http://cam/cgi?user=ada&mail=ada@example.org',
    'udp://@:1234',
    'udp://@239.0.0.1:1234?fifo_size=1000',
    'rtsp://[fe80::1]:554/live',
    'http://cam.lan/a%20b?c=%2F',
  ]) {
    t.equal(addressFault(input), null, input);
    t.equal(readAddress(input).address, input, input);
  }
  t.equal(readAddress('http://cam.lan/cgi?password=a#b%').address, 'http://cam.lan/cgi?password=a%23b%25');
});

t.test('an address that can be read in two ways is a configuration error that says how to write it', async (t) => {
  for (const input of [
    'rtsp://ada:12345/s3cret@cam/live',
    'rtsp://ada:s3@cret/s3cret@cam/live',
    'rtsp://ada:s3/cret@/live',
  ]) {
    t.match(addressFault(input), /%2F.*%40|%40.*%2F/, input);
    t.notMatch(addressFault(input), leaks);
    const toml = `[room]\nid = "lab"\n[camera]\nsource = "ffmpeg"\ninput = "${input}"\n`;
    try {
      parseConfig(toml, 'c.toml');
      t.fail(input);
    } catch (error) {
      const lines = (error as Error).cause as string[];
      t.match(lines[0], /^c\.toml:5: camera\.input: .*%2F/);
      t.notMatch(lines.join(), leaks);
    }
  }
});

t.test('no part of an address with secrets is shown', async (t) => {
  for (const password of passwords) {
    const input = `rtsp://ada:${password}@192.168.1.9:554/live`;
    const { address, redact } = readAddress(input);
    const basic = Buffer.from(`ada:${password}`).toString('base64');
    for (const form of [password, encoded(password), encoded(password).toLowerCase(), basic, input, address]) {
      for (const line of [form, `x ${form}: Connection refused`, `[rtsp @ 0x55] open '${form}' failed`]) {
        const shown = redact(line);
        t.notOk(shown.includes(password) || leaks.test(shown), `${line} → ${shown}`);
        t.equal(/Connection refused/.test(shown), /Connection refused/.test(line), 'the rest of the line stays');
      }
    }
    t.match(redact(`${input}: 404`), /^rtsp:\/\/192\.168\.1\.9:554\/\*\*\*: 404$/);
  }
  for (const [input, secret] of [
    ['http://cam.lan/cgi?user=ada&password=s3cret', 's3cret'],
    ['http://cam.lan/cgi?user=ada&password=s3%2fcret', 's3/cret'],
    ['http://cam.lan/cgi?usr=ada&pwd=xy', 'xy'],
    ['http://cam.lan/cgi?token=a/b@c:d', 'a/b@c:d'],
    ['rtsp://cam.lan:554/user=admin&password=s3cret&channel=1&stream=0.sdp', 's3cret'],
    ['rtsp://cam.lan:554/user=admin_password=s3cret_channel=1_stream=0.sdp', 's3cret'],
    ['rtsps://cam.lan:7441/Mh5MqlkdS3cretVs?enableSrtp', 'Mh5MqlkdS3cretVs'],
  ] as const) {
    const { redact } = readAddress(input);
    for (const form of [
      secret,
      encoded(secret),
      input,
      input.slice('http://'.length),
      input.slice(input.indexOf('/', 9)),
    ]) {
      const shown = redact(`GET ${form} HTTP/1.1`);
      t.notOk(shown.includes(secret) || shown.includes(encoded(secret)), `${form} → ${shown}`);
    }
    t.equal(redact('Server returned 401 Unauthorized'), 'Server returned 401 Unauthorized', input);
  }
  const { redact } = readAddress('http://cam.lan/x');
  t.equal(redact('moved to https://ada:pw@b.lan/y?token=abc'), 'moved to https://***@b.lan/y?***');
});

/** Runs the camera until it is offline. Returns everything that the log and the status say. */
async function saidBy(input: string, command: readonly string[]): Promise<string> {
  const said: string[] = [];
  const log = (_level: string, message: string, fields: object = {}): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  await using camera = openCamera({ ...quickOptions, source: 'ffmpeg', input, command }, systemClock, log);
  camera.start();
  const status = await until(camera, ({ state }) => state === 'offline');
  return [...said, JSON.stringify(status)].join('\n');
}

t.test('a program that prints everything that it was given shows no secret in log or status', async (t) => {
  const parrot = ['/bin/sh', '-c', 'printf "%s\\n" "$@" >&2; cat >&2; exit 1', 'ffmpeg'];
  for (const password of passwords) {
    const said = await saidBy(`rtsp://ada:${password}@192.168.1.9:554/live?token=s3cret`, parrot);
    t.notOk(said.includes(password) || leaks.test(said), said);
    t.match(said, 'ffconcat', 'it did print');
  }
});

const skip = spawnSync('ffmpeg', ['-version']).error ? 'ffmpeg is not installed' : false;
t.test('ffmpeg sends the real password, and its most talkative log shows none', { skip }, async (t) => {
  const received: string[] = [];
  const server = createServer((request, response) => {
    const [, basic] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? [];
    if (basic !== undefined) received.push(Buffer.from(basic, 'base64').toString());
    response.writeHead(basic === undefined ? 401 : 404, { 'WWW-Authenticate': 'Basic realm="camera"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  const talkative = ['/bin/sh', '-c', 'shift 4; exec ffmpeg -loglevel trace "$@"', 'ffmpeg'];
  for (const password of passwords) {
    const said = await saidBy(`http://ada:${password}@127.0.0.1:${port}/live?token=s3cret`, talkative);
    t.equal(received.at(-1), `ada:${password}`);
    t.notOk(said.includes(password) || leaks.test(said), said.match(leaks)?.[0] ?? password);
    t.match(said, /\[http @/, 'it did talk');
  }
});

/** Passwords as people write them into the address of a camera that speaks RTSP, with the login that must arrive. */
const written: readonly (readonly [password: string, arrives: string])[] = [
  ['plain1', 'plain1'],
  ['a#b', 'a#b'],
  ['a@b', 'a@b'],
  ['a/b', 'a/b'],
  ['a?b', 'a?b'],
  ['a:b', 'a:b'],
  ['a%23b', 'a#b'],
  ['100%sure', '100%sure'],
  ["a'b", "a'b"],
  ['ä€', 'ä€'],
  ['a b', 'a b'],
  ['a&b!$^', 'a&b!$^'],
];
t.test('an RTSP camera gets the password as it was meant, and no log shows it', { skip }, async (t) => {
  let login: string | null = null;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const request = String(bytes);
      const [, number = '1'] = /CSeq: (\d+)/.exec(request) ?? [];
      const [, basic] = /Authorization: Basic (\S+)/.exec(request) ?? [];
      if (basic !== undefined) login = Buffer.from(basic, 'base64').toString();
      const answer = request.startsWith('OPTIONS')
        ? ['200 OK', 'Public: DESCRIBE, SETUP, PLAY']
        : ['401 Unauthorized', 'WWW-Authenticate: Basic realm="cam"'];
      socket.write(`RTSP/1.0 ${answer[0]}\r\nCSeq: ${number}\r\n${answer[1]}\r\n\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  for (const [password, arrives] of written) {
    login = null;
    const said = await saidBy(`rtsp://admin:${password}@127.0.0.1:${port}/stream1`, ['ffmpeg']);
    t.equal(login, `admin:${arrives}`, password);
    t.match(said, /user|password|login/i, 'the reason is told');
    t.notOk(said.includes(password) || said.includes(encoded(password)), said);
  }
});
