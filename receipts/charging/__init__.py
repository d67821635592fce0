"""Rating and charging: tariffs, charges, tariff simulation."""
