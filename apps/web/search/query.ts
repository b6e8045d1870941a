import { refused } from '../../../sdk/errors.ts'
import { plainText } from './text.ts'
import { termsOf } from './words.ts'

/**
 * What is searched for, of what somebody typed: without markup and turn marks.
 *
 * @throws `query.empty` (refused).
 */
export function queryOf(typed: string): string {
  const query = plainText(typed)
  if (termsOf(query).size > 0) return query
  throw refused('query.empty', 'there is nothing in this query to search for', {
    field: 'query',
    fix: 'Name what you look for in words.',
  })
}
