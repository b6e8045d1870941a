import { z } from 'zod'

// Our Content-Security-Policy forbids making code from text, which zod would otherwise try for its first schema.
z.config({ jitless: true })
