import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openStore } from '../../src/store/gallery-store.js';
import { isWritable } from '../../src/store/unwritable.js';
import { unmeasuredQuality } from '../../src/vision/face.js';
import { shortFolder } from '../helpers/short-folder.js';
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js';

const vector = new Float32Array(4).fill(0.5);
const quality = {
  eyesPx: 60,
  sharpness: 100,
  yawDegrees: 0,
  pitchDegrees: 0,
  light: 120,
  contrast: 40,
  ...unmeasuredQuality,
};

for (const fault of ['full', 'read-only'] as const)
  t.test(
    `a gallery on a ${fault} disk is read, and changes say why they are refused`,
    { skip: noSmallDisk },
    async (t) => {
      using disk = mountSmallDisk(shortFolder(t));
      const options = { directory: disk.path, keyFile: join(disk.path, 'key') };
      const copies = () => readdirSync('/dev/shm').filter((name) => name.startsWith('roomkin-')).length;
      const copiesBefore = copies();
      // The writer stays open, so that part of the gallery is in the log only.
      const writer = openStore(options);
      writer.change((changes) => {
        const ada = changes.person('Ada');
        changes.addTemplate(ada, { space: 'x', vector, quality, source: Buffer.from('photo') });
      });
      writer.setSetting('hold', '5 60');
      writer.close();
      if (fault === 'full') disk.fill();
      else disk.readOnly(true);
      {
        using store = openStore(options);
        t.match(store.unwritable, fault === 'full' ? /the disk is full: free some space/ : /the disk is read-only/);
        t.strictSame(
          store.people().map(({ name }) => name),
          ['Ada'],
        );
        t.equal(store.gallery('x').people[0]?.templates.length, 1);
        t.equal(store.setting('hold'), '5 60');
        t.throws(() => store.setSetting('hold', '6 60'), { code: 'DATABASE' });
        t.throws(() => store.change((changes) => changes.person('Ben')), { code: 'DATABASE' });
        t.throws(() => store.forget('ada'), { code: 'DATABASE' });
        t.equal(isWritable(disk.path), false);
      }
      t.equal(copies(), copiesBefore, 'nothing of the copy stays');
      if (fault === 'full') disk.free();
      else disk.readOnly(false);
      t.equal(isWritable(disk.path), true);
      using store = openStore(options);
      t.equal(store.unwritable, null);
      store.setSetting('hold', '6 60');
    },
  );

t.test('a directory without a gallery on a full disk is an error', { skip: noSmallDisk }, async (t) => {
  using disk = mountSmallDisk(shortFolder(t), 64);
  disk.fill();
  t.throws(() => openStore({ directory: disk.path, keyFile: join(disk.path, 'key') }), { code: 'DATABASE' });
});
