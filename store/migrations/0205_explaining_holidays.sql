-- What is usual on a holiday is a Sunday's: explaining a day asks which days are holidays.
GRANT SELECT ON cem.holiday TO cem_explain;
