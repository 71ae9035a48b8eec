import { SluiceError } from '@sluice/contract/error'
import { itemInput, type ItemInput } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import { InputError, type Skip } from './input.ts'

/**
 * Returns the item that `make` builds from the input at `place`, validated as the server does it. An invalid item is reported to
 * `skip`, and the result is undefined; without `skip` it throws, with the place.
 */
export function checkItem(place: string, make: () => unknown, skip: Skip | undefined): ItemInput | undefined {
  try {
    return parse(itemInput, make())
  } catch (error) {
    if (!(error instanceof SluiceError) && !(error instanceof InputError)) throw error
    if (skip === undefined) throw new InputError(`${place}: ${error.message}`)
    skip(place, error.message)
    return undefined
  }
}
