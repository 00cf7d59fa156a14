"""Names under which secrets of other services lie in the environment. Pure."""

OF_OTHERS = frozenset({
    "ACCESS", "ANTHROPIC", "APPLE", "AWS", "AZURE", "BFL", "BITBUCKET", "CI", "CLOUDFLARE",
    "COHERE", "COMFYUI", "CONSUMER", "DASHSCOPE", "DATABASE", "DATADOG", "DB", "DEEPSEEK",
    "DIGITALOCEAN", "DISCORD", "DOCKER", "ELEVENLABS", "ENCRYPTION", "FAL", "GCP", "GEMINI",
    "GH", "GITHUB", "GITLAB", "GOOGLE", "GPG", "GROQ", "HEROKU", "HF", "HUGGINGFACE", "JWT",
    "KLING", "KUBE", "LINEAR", "LUMA", "LUMAAI", "MAILGUN", "MINIMAX", "MISTRAL", "NETLIFY",
    "NOTION", "NPM", "OAUTH", "OPENAI", "OPENROUTER", "PASSWORD", "PAYPAL", "PERPLEXITY",
    "PRIVATE", "PYPI", "REFRESH", "REPLICATE", "RUNWARE", "RUNWAY", "RUNWAYML", "S3", "SECRET",
    "SEGMIND", "SENDGRID", "SENTRY", "SESSION", "SHOPIFY", "SIGNING", "SLACK", "SSH",
    "STABILITY", "STRIPE", "SUPABASE", "TELEGRAM", "TOGETHER", "TWILIO", "TWINE", "UV", "VAULT",
    "VERCEL", "XAI",
})  # fmt: skip
"""Words in the names of variables whose secrets belong to others: no job shall take them."""

ANYBODYS = frozenset({
    "ADMIN", "API", "APP", "AUTH", "BEARER", "BOT", "CLIENT", "DEPLOY", "KEY", "LICENSE", "MASTER",
    "PROD", "PROJECT", "SERVER", "SERVICE", "SITE", "TOKEN", "USER", "WEB", "WEBHOOK",
})  # fmt: skip
"""Words with which the names of any secret begin: `API_KEY`, `AUTH_TOKEN`, `APP_SECRET`."""
