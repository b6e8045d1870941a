import { Boundary } from '../parts/boundary.tsx'
import { Revenue } from '../parts/revenue.tsx'
import { DoorHeader, SkipLink } from '../parts/shell.tsx'
import { useTitle } from '../parts/title.ts'
import { Undrawn } from '../parts/undrawn.tsx'
import { ReadOnlyBanner, SessionButton } from '../session/button.tsx'
import { useSession } from '../session/use.ts'
import { SearchBox } from './box.tsx'
import { FindingView, SAYS } from './found.tsx'
import { Home } from './home.tsx'
import { SharedFinding } from './shared.tsx'
import { useAddress, useFindings, useSearching, useTerms } from './use.ts'

export function SearchDoor() {
  const { config } = useSession()
  const { view } = useFindings()
  return (
    <>
      <SkipLink to="main">Skip to the search</SkipLink>
      <div className="mx-auto flex min-h-dvh max-w-[76rem] flex-col px-4 sm:px-6">
        <DoorHeader door="search" config={config}>
          <SessionButton />
        </DoorHeader>
        <main
          id="main"
          tabIndex={-1}
          className="mx-auto min-h-dvh w-full max-w-[58rem] flex-1 space-y-6 pb-10 outline-none"
        >
          <ReadOnlyBanner />
          {view.unkept !== undefined && (
            <p role="status" className="rounded-md border border-edge px-3.5 py-2">
              {view.unkept}
            </p>
          )}
          <Place />
        </main>
        <footer className="label mt-auto border-t border-line py-4">
          <Revenue door="search" config={config} />
        </footer>
      </div>
    </>
  )
}

/** The home, a search of this browser, or one that somebody shares. */
function Place() {
  const { query, rid } = useAddress()
  const { findings } = useFindings()
  const terms = useTerms()
  const onSearch = useSearching(terms)
  const finding = rid === undefined ? undefined : findings.find(rid)
  useTitle(finding?.query)
  return (
    <>
      <p role="status" className="sr-only">
        {finding ? SAYS[finding.state] : ''}
      </p>
      {rid === undefined ? (
        <Home query={query} terms={terms} onSearch={onSearch} />
      ) : (
        <>
          <SearchBox key={`box ${rid}`} query={finding?.query ?? query} terms={terms} onSearch={onSearch} />
          <Boundary key={`${finding ? 'own' : 'shared'} ${rid}`} instead={<Undrawn />}>
            {finding ? (
              <FindingView finding={finding} onSearch={onSearch} />
            ) : (
              <SharedFinding id={rid} onSearch={onSearch} />
            )}
          </Boundary>
        </>
      )}
    </>
  )
}
