import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { keyCredential, openKeyring } from '../../src/store/keyring.js';
import { seal, unseal } from '../../src/store/seal.js';
import { enrolMadeUp, openTestStore, space, temporaryFolder } from '../sharing/household.js';

const folder = temporaryFolder();
t.teardown(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const noCredentials = {};

/** The error of opening, or null. */
function refusal(path: string, mustExist = true): string | null {
  try {
    openKeyring(path, mustExist, noCredentials);
    return null;
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

t.test('a key file is created once and private', (t) => {
  const created = openKeyring(at('key'), false, noCredentials);
  t.equal(statSync(at('key')).mode & 0o777, 0o600);
  t.match(readFileSync(at('key'), 'utf8'), /^[0-9a-f]{64}\n$/);
  t.same(openKeyring(at('key'), false, noCredentials).fingerprint, created.fingerprint);
  t.notSame(openKeyring(at('other'), false, noCredentials).fingerprint, created.fingerprint);
  t.end();
});

t.test('a wrapped key opens only for its owner and with its key file', (t) => {
  const keys = openKeyring(at('key'), true, noCredentials);
  const { key, wrapped } = keys.create('ada');
  t.same(keys.unwrap(wrapped, 'ada'), key);
  t.equal(keys.unwrap(wrapped, 'bob'), null);
  t.equal(openKeyring(at('other'), true, noCredentials).unwrap(wrapped, 'ada'), null);
  t.equal(keys.unwrap(wrapped.subarray(0, 10), 'ada'), null);
  t.end();
});

t.test('a seal with one changed bit does not open', (t) => {
  const key = Buffer.alloc(32, 7);
  const sealed = seal(key, Buffer.from('secret'), ['a', 'b']);
  t.equal(unseal(key, sealed, ['a', 'b'])?.toString(), 'secret');
  t.equal(unseal(key, sealed, ['ab', '']), null);
  t.equal(unseal(key, sealed, ['a,b']), null);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    if (unseal(key, changed, ['a', 'b']) !== null) t.fail(`bit ${bit}`);
  }
  t.notSame(seal(key, Buffer.from('secret'), []), seal(key, Buffer.from('secret'), []), 'each seal has its own nonce');
  t.end();
});

t.test('a key file that others can read or that holds no key is refused with advice', (t) => {
  chmodSync(at('key'), 0o640);
  t.match(refusal(at('key')), /^KEY_FILE: .* has mode 0640.*chmod 600/);
  chmodSync(at('key'), 0o600);
  t.equal(refusal(at('key')), null);
  for (const [name, content] of [
    ['short', 'abc'],
    ['empty', ''],
    ['long', 'a'.repeat(65)],
    ['letters', 'z'.repeat(64)],
    ['huge', 'a'.repeat(100_000)],
  ] as const) {
    writeFileSync(at(name), content, { mode: 0o600 });
    t.match(refusal(at(name)), /^KEY_FILE: .*not a key/, name);
  }
  mkdirSync(at('folder'));
  t.match(refusal(at('folder')), /^KEY_FILE: .*not a regular file/);
  t.match(refusal(at('missing')), /^KEY_FILE: the key file of the gallery is missing/);
  t.match(refusal(join(folder, 'nowhere', 'key'), false), /^KEY_FILE: cannot create the key file .*ENOENT/);
  symlinkSync(at('key'), at('link'));
  t.equal(refusal(at('link')), null);
  t.end();
});

// Only root can change the owner of a file, so these two tests need root.
if (process.geteuid?.() === 0) {
  t.test('a key file of another user is refused', (t) => {
    writeFileSync(at('theirs'), 'a'.repeat(64), { mode: 0o600 });
    chownSync(at('theirs'), 12345, 12345);
    process.seteuid?.(54321);
    try {
      t.match(refusal(at('theirs')), /^KEY_FILE/);
    } finally {
      process.seteuid?.(0);
    }
    t.equal(refusal(at('theirs')), null, 'root may use it');
    t.end();
  });

  t.test('files created by root belong to the owner of the folder, so that the daemon can read them', (t) => {
    const directory = at('of-the-daemon');
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, 12345, 12346);
    using store = openTestStore(directory);
    enrolMadeUp(store, 'Ada');
    for (const name of ['key', 'gallery.sqlite', 'gallery.sqlite-wal', 'gallery.sqlite-shm']) {
      const { uid, gid, mode } = statSync(join(directory, name));
      t.same([uid, gid, mode & 0o777], [12345, 12346, 0o600], name);
    }
    t.end();
  });
}

t.test('a systemd credential replaces the key file', (t) => {
  mkdirSync(at('credentials'));
  writeFileSync(join(at('credentials'), keyCredential), `${'ab'.repeat(32)}\n`, { mode: 0o440 });
  const keys = openKeyring(at('unused'), false, { CREDENTIALS_DIRECTORY: at('credentials') });
  writeFileSync(at('same'), 'AB'.repeat(32), { mode: 0o600 });
  t.same(keys.fingerprint, openKeyring(at('same'), true, noCredentials).fingerprint);
  t.equal(refusal(at('unused')) !== null, true, 'no key file was created');
  writeFileSync(join(at('credentials'), keyCredential), 'no key');
  t.throws(() => openKeyring(at('key'), true, { CREDENTIALS_DIRECTORY: at('credentials') }), { code: 'KEY_FILE' });
  t.end();
});

t.test('a gallery does not open with another key and does not get a second one', (t) => {
  const directory = at('store');
  {
    using store = openTestStore(directory);
    enrolMadeUp(store, 'Ada');
  }
  const right = readFileSync(join(directory, 'key'));
  writeFileSync(join(directory, 'key'), 'cd'.repeat(32), { mode: 0o600 });
  t.throws(() => openTestStore(directory), { code: 'KEY_FILE', message: /is not the key that .* was encrypted with/ });
  rmSync(join(directory, 'key'));
  t.throws(() => openTestStore(directory), { code: 'KEY_FILE', message: /missing/ });
  writeFileSync(join(directory, 'key'), right, { mode: 0o600 });
  using store = openTestStore(directory);
  t.equal(store.gallery(space).people[0]?.templates.length, 2);
  t.end();
});
