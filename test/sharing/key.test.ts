// The household key over its epochs: what a rotation changes, and what it keeps.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  createHouseholdSeal,
  eraseLeftKey,
  firstKey,
  formerSeals,
  joinedKey,
  keyText,
  leaveHouseholdKey,
  parseKeyText,
  readHouseholdKey,
  readLeftKey,
  rotatedKey,
  writeHouseholdKey,
} from '../../src/sharing/key.js';
import { temporaryFolder } from './household.js';

const first = firstKey(Buffer.alloc(32, 7));

t.test('a rotation changes the seal and the names in topics, and keeps tags, digests and the lineage', async (t) => {
  const [before, after] = [createHouseholdSeal(first, 'home'), createHouseholdSeal(rotatedKey(first), 'home')];
  t.equal(after.epoch, 2);
  t.equal(after.tagOf('ada'), before.tagOf('ada'));
  t.equal(after.digest('text'), before.digest('text'));
  t.same(after.lineage, before.lineage);
  t.notSame(after.fingerprint, before.fingerprint);
  t.not(after.nameOf('ada'), before.nameOf('ada'));
  t.equal(after.nameOf('ada'), after.nameOfTag(before.tagOf('ada')));
  t.not(after.nameOfRoom('hall'), before.nameOfRoom('hall'));
  const name = before.nameOf('ada');
  t.equal(after.open(name, before.seal(name, Buffer.from('old'))), null);
  const other = createHouseholdSeal({ ...rotatedKey(first), secret: first.secret }, 'home');
  t.equal(other.open(name, before.seal(name, Buffer.from('old'))), null, 'a seal is bound to its epoch');
});

t.test('every epoch has a word for the other rooms, with a checksum', async (t) => {
  t.match(keyText(first), /^[\w-]{46}$/);
  const third = rotatedKey(rotatedKey(first));
  t.match(keyText(third), /^[\w-]{70}$/);
  t.same(parseKeyText(keyText(first)), first);
  t.same(parseKeyText(`${keyText(third)}\n`), { ...third, former: [{ epoch: 1, secret: first.secret }] });
  for (const key of [first, third]) {
    const word = keyText(key);
    for (let i = 0; i < word.length - 1; i += 1) {
      const slip = `${word.slice(0, i)}${word[i] === 'A' ? 'B' : 'A'}${word.slice(i + 1)}`;
      t.not(parseKeyText(slip)?.secret.equals(key.secret) && parseKeyText(slip)?.first.equals(key.first), true);
    }
  }
});

t.test('a room takes the key of a later epoch and remembers the earlier ones', async (t) => {
  const second = rotatedKey(first);
  const third = parseKeyText(keyText(rotatedKey(second)))!;
  const joined = joinedKey(second, third);
  t.same(
    joined.former.map(({ epoch }) => epoch),
    [2, 1],
  );
  const [old] = formerSeals(joined, 'home');
  const name = createHouseholdSeal(second, 'home').nameOf('ada');
  t.same(old?.open(name, createHouseholdSeal(second, 'home').seal(name, Buffer.from('x'))), Buffer.from('x'));
  t.throws(() => joinedKey(third, second), { code: 'KEY_FILE' }, 'not an earlier one');
  t.throws(() => joinedKey(third, third), { code: 'KEY_FILE' });
  t.throws(() => joinedKey(third, firstKey()), { code: 'KEY_FILE' }, 'not that of another household');
  t.equal(joinedKey(rotatedKey(first), second).epoch, 2, 'of two simultaneous rotations a room takes the given one');
});

t.test('the key file holds every epoch, and is private', async (t) => {
  const folder = temporaryFolder();
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'household-key');
  for (const key of [first, rotatedKey(first), rotatedKey(rotatedKey(first))]) {
    writeHouseholdKey(file, key);
    t.same(readHouseholdKey(file), key);
    t.equal(statSync(file).mode & 0o777, 0o600);
  }
  const text = readFileSync(file, 'latin1');
  for (const damaged of [
    text.slice(1),
    text.replace('epoch', 'epic'),
    `${text}more\n`,
    text.replace(/first.*\n/, ''),
  ]) {
    writeFileSync(file, damaged);
    t.throws(() => readHouseholdKey(file), { code: 'KEY_FILE' });
  }
  writeHouseholdKey(file, first);
  t.same(leaveHouseholdKey(file), first);
  t.equal(readHouseholdKey(file), null);
  t.same(readLeftKey(file), first);
  eraseLeftKey(file);
  t.equal(readLeftKey(file), null);
  t.equal(leaveHouseholdKey(file), null);
});
