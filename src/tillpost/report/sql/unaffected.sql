-- Which of the sales are of a day that nothing has changed.
sale NOT IN (
    SELECT d.sale FROM days d
    JOIN sales s ON s.sale = d.sale
    JOIN affected a ON a.shop = s.shop AND a.day = d.day
)
