/**
 * Cron expressions of five fields (minute, hour, day of month, month, day of week; POSIX crontab, with names and steps),
 * in UTC. Where day of month and day of week are both restricted, either one is enough, as crontab(5) has it.
 * Calendars without a clock: days are counted with the civil-from-days algorithm (H. Hinnant, 2013).
 */

export interface Cron {
  readonly minutes: readonly boolean[];
  readonly hours: readonly boolean[];
  readonly days: readonly boolean[];
  readonly months: readonly boolean[];
  readonly weekdays: readonly boolean[];
  readonly eitherDay: boolean;
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function valueOf(text: string, names: readonly string[], first: number): number {
  const named = names.indexOf(text.toLowerCase());
  return named === -1 ? (/^\d+$/u.test(text) ? Number(text) : Number.NaN) : named + first;
}

function readField(text: string, min: number, max: number, names: readonly string[] = []): boolean[] {
  const set = Array.from({ length: max + 1 }, () => false);
  for (const part of text.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [from = '', to] = range.split('-');
    const start = range === '*' ? min : valueOf(from, names, min);
    const end = range === '*' ? max : to === undefined ? (part.includes('/') ? max : start) : valueOf(to, names, min);
    const every = /^\d+$/u.test(step) ? Number(step) : 0;
    if (!(start >= min && end <= max && start <= end && every >= 1) || part.split('/').length > 2)
      throw new TypeError(`${JSON.stringify(part)} is no value of ${min} to ${max}, range or step`);
    for (let value = start; value <= end; value += every) set[value] = true;
  }
  return set;
}

/** Throws a TypeError that says which part is wrong. */
export function readCron(text: string): Cron {
  const fields = text.trim().split(/\s+/u);
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || !minute || !hour || !day || !month || !weekday)
    throw new TypeError(`${JSON.stringify(text)} has ${fields.length} fields, expected minute hour day month weekday`);
  const weekdays = readField(weekday, 0, 7, dayNames);
  // Sunday is 0 and 7.
  weekdays[0] = weekdays[0] === true || weekdays[7] === true;
  return {
    minutes: readField(minute, 0, 59),
    hours: readField(hour, 0, 23),
    days: readField(day, 1, 31),
    months: readField(month, 1, 12, monthNames),
    weekdays: weekdays.slice(0, 7),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
}

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Month (1 to 12) and day (1 to 31) of a day counted from 1970-01-01. */
function civilDay(day: number): { readonly month: number; readonly day: number } {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  return {
    month: shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

function matchesDay(cron: Cron, day: number): boolean {
  const civil = civilDay(day);
  if (cron.months[civil.month] !== true) return false;
  // 1970-01-01 was a Thursday.
  const weekday = cron.weekdays[(((day + 4) % 7) + 7) % 7] === true;
  const monthDay = cron.days[civil.day] === true;
  return cron.eitherDay ? weekday || monthDay : weekday && monthDay;
}

/** Days that are looked through: the 29th of February comes at least every eight years. */
const daysAhead = 366 * 9;

/** The first minute after `wallMs` (UTC) that it names; infinite when there is none, as for the 31st of February. */
export function nextAfter(cron: Cron, wallMs: number): number {
  const from = Math.floor(wallMs / minuteMs) + 1;
  const firstDay = Math.floor((from * minuteMs) / dayMs);
  for (let day = firstDay; day <= firstDay + daysAhead; day += 1) {
    if (!matchesDay(cron, day)) continue;
    const begin = day === firstDay ? from - (day * dayMs) / minuteMs : 0;
    for (let minute = begin; minute < 1440; minute += 1) {
      if (cron.hours[Math.floor(minute / 60)] === true && cron.minutes[minute % 60] === true)
        return day * dayMs + minute * minuteMs;
    }
  }
  return Number.POSITIVE_INFINITY;
}
