// Photos are taken out of use and put back by their numbers, all of them or none. Nobody is ever left without a photo in use.
import { fail } from '../base/errors.js';
import type { Statements, TemplateRow } from './statements.js';

/**
 * Sets `ids` aside at `atMs` (wall time), or puts them back where that is null; what is so already stays as it is.
 * Errors: PHOTO_UNKNOWN, PHOTO_NEEDED; the caller's transaction must then end.
 */
export function setTemplatesAside(sql: Statements, ids: readonly number[], atMs: number | null): void {
  const templates = new Map(sql.templates.all().map((template) => [template.id, template]));
  const asked = ids.map((id) => {
    const template = templates.get(id);
    if (!template) {
      const advice = 'roomkin people --check and roomkin show NAME give the numbers';
      throw fail('PHOTO_UNKNOWN', `there is no photo ${id}: ${advice}; nothing was changed`);
    }
    return template;
  });
  const changed = asked.filter(({ setAsideAtMs }) => (setAsideAtMs === null) === (atMs !== null));
  for (const { id } of changed) sql.setTemplateAside.run(atMs, id);
  if (atMs !== null) for (const template of changed) refuseLast(sql, template);
}

/** Looks that were learned from the camera do not count: a person must be told by what was enrolled. */
function refuseLast(sql: Statements, { id, person, space }: TemplateRow): void {
  if (sql.templatesInUse.all(space).some((one) => one.person === person && one.correction === null)) return;
  const name = sql.people.all().find((one) => one.id === person)?.name ?? person;
  const advice = `enrol a better photo first, or roomkin forget "${name}" to erase the person`;
  throw fail('PHOTO_NEEDED', `without photo ${id} ${name} would have none in use: ${advice}; nothing was changed`);
}
