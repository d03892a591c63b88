// roomkin people --set-aside and --put-back: photos out of use and back, all that were named or none.
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';

/** Errors: PHOTO_UNKNOWN, PHOTO_NEEDED, DATABASE. */
export function setAside(ids: readonly number[], aside: boolean, io: CommandIo): void {
  using store = openGallery(io);
  store.change((changes) => (aside ? changes.setAside(ids) : changes.putBack(ids)));
  const photos = store.people().flatMap(({ id: person, name, templates }) => {
    const mine = templates.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
    if (mine.length === 0) return [];
    const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
    const numbers = `${mine.length === 1 ? 'photo' : 'photos'} ${mine.join(', ')}`;
    io.out(`${name}: ${numbers} ${aside ? 'set aside' : 'put back'}, ${inUse} in use`);
    return mine.map((id) => ({ id, person, name }));
  });
  if (aside) io.out(`  roomkin people --put-back ${ids.join(' ')} takes ${ids.length === 1 ? 'it' : 'them'} in again`);
  io.document({ setAside: aside, photos });
}
