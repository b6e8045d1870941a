import { useState } from 'react'

const THEMES = ['system', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]

const stored = (): Theme => {
  const theme = document.documentElement.dataset.theme
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    if (theme === 'system') localStorage.removeItem('theme')
    else localStorage.setItem('theme', theme)
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}

/** Light, dark, or as the system says. */
export function ThemeChoice() {
  const [theme, setTheme] = useState(stored)
  return (
    <fieldset className="flex rounded-full border border-line p-0.5">
      <legend className="sr-only">Theme</legend>
      {THEMES.map((each) => (
        <label
          key={each}
          className="label cursor-pointer rounded-full px-2.5 py-0.5 has-checked:bg-accent-soft has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name="theme"
            className="sr-only"
            checked={theme === each}
            onChange={() => {
              apply(each)
              setTheme(each)
            }}
          />
          {each}
        </label>
      ))}
    </fieldset>
  )
}
