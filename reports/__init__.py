"""How it is told: findings, outcomes, the verdict, and one module an output."""
