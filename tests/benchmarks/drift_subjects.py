"""The kinds of drift, and which tables and columns of the two real databases each of them changes."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from tests.benchmarks.drift_queries import Database

Kind = Literal[
    "column_added",
    "column_removed",
    "column_retyped_same_meaning",
    "column_retyped_other_meaning",
    "column_renamed",
    "column_renamed_to_decoy",
    "column_made_nullable",
    "column_moved",
    "columns_swapped_names",
    "table_added",
    "table_removed",
    "table_removed_with_decoy",
    "table_renamed",
    "table_renamed_to_other_schema",
    "table_split",
    "tables_stacked",
    "tables_widened",
    "table_renamed_and_columns_renamed",
    "ambiguous",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

TABLES: Mapping[Database, Mapping[str, str]] = {
    "northwind": {
        "Categories": "CategoryID int key, CategoryName text, Description text, Picture blob",
        "Customers": "CustomerID text key, CompanyName text, ContactName text, ContactTitle text, Address text, "
        "City text, Region text, PostalCode text, Country text, Phone text, Fax text",
        "Employees": "EmployeeID int key, LastName text, FirstName text, Title text, TitleOfCourtesy text, "
        "BirthDate date, HireDate date, Address text, City text, Region text, PostalCode text, Country text, "
        "HomePhone text, Extension text, Photo blob, Notes text, ReportsTo int >Employees, PhotoPath text",
        "Order Details": "OrderID int key >Orders, ProductID int key >Products, UnitPrice num!, Quantity int!, "
        "Discount real!",
        "Orders": "OrderID int key, CustomerID text >Customers, EmployeeID int >Employees, OrderDate time, "
        "RequiredDate time, ShippedDate time, ShipVia int >Shippers, Freight num, ShipName text, ShipAddress text, "
        "ShipCity text, ShipRegion text, ShipPostalCode text, ShipCountry text",
        "Products": "ProductID int key, ProductName text!, SupplierID int >Suppliers, CategoryID int >Categories, "
        "QuantityPerUnit text, UnitPrice num, UnitsInStock int, UnitsOnOrder int, ReorderLevel int, Discontinued text!",
        "Regions": "RegionID int key, RegionDescription text!",
        "Shippers": "ShipperID int key, CompanyName text!, Phone text",
        "Suppliers": "SupplierID int key, CompanyName text!, ContactName text, ContactTitle text, Address text, "
        "City text, Region text, PostalCode text, Country text, Phone text, Fax text, HomePage text",
        "Territories": "TerritoryID text key, TerritoryDescription text!, RegionID int! >Regions",
    },
    "chinook": {
        "Album": "AlbumId int key, Title text!, ArtistId int! >Artist",
        "Artist": "ArtistId int key, Name text",
        "Customer": "CustomerId int key, FirstName text!, LastName text!, Company text, Address text, City text, "
        "State text, Country text, PostalCode text, Phone text, Fax text, Email text!, SupportRepId int >Employee",
        "Employee": "EmployeeId int key, LastName text!, FirstName text!, Title text, ReportsTo int >Employee, "
        "BirthDate time, HireDate time, Address text, City text, State text, Country text, PostalCode text, "
        "Phone text, Fax text, Email text",
        "Genre": "GenreId int key, Name text",
        "Invoice": "InvoiceId int key, CustomerId int! >Customer, InvoiceDate time!, BillingAddress text, "
        "BillingCity text, BillingState text, BillingCountry text, BillingPostalCode text, Total num!",
        "InvoiceLine": "InvoiceLineId int key, InvoiceId int! >Invoice, TrackId int! >Track, UnitPrice num!, "
        "Quantity int!",
        "MediaType": "MediaTypeId int key, Name text",
        "Playlist": "PlaylistId int key, Name text",
        "Track": "TrackId int key, Name text!, AlbumId int >Album, MediaTypeId int! >MediaType, GenreId int >Genre, "
        "Composer text, Milliseconds int!, Bytes int, UnitPrice num!",
    },
}

# What changes: Table.Column,Column:how, or One+Other by a key of one = a key of the other. A moved column with a target
# goes to a table that it is linked with by key; one without goes to a new table with the same key.
SUBJECTS: Mapping[Database, Mapping[Kind, Sequence[str]]] = {
    "northwind": {
        "column_added": ("Orders", "Products", "Suppliers", "Orders.Country", "Orders.CompanyName"),
        "column_removed": (
            "Orders.Freight",
            "Orders.ShipCountry",
            "Products.UnitsInStock",
            "Customers.Country",
            "Order Details.Discount",
            "Suppliers.Country",
        ),
        "column_retyped_same_meaning": (
            "Order Details.Quantity:text",
            "Orders.Freight:text",
            "Orders.EmployeeID:big",
            "Order Details.OrderID:big",
            "Products.UnitsInStock:text",
        ),
        "column_retyped_other_meaning": (
            "Orders.Freight:cents",
            "Products.UnitPrice:cents",
            "Order Details.Quantity:worded",
            "Orders.OrderDate:epoch",
            "Products.Discontinued:inverted",
        ),
        "column_renamed": (
            "Orders.ShipCountry",
            "Products.UnitPrice",
            "Customers.CompanyName",
            "Order Details.Quantity",
            "Orders.CustomerID",
            "Employees.LastName",
            "Categories.CategoryName",
            "Products.ProductID",
        ),
        "column_renamed_to_decoy": (
            "Orders.Freight",
            "Products.UnitPrice",
            "Customers.Country",
            "Order Details.Quantity",
            "Suppliers.City",
        ),
        "column_made_nullable": ("Order Details.UnitPrice", "Products.ProductName", "Suppliers.CompanyName"),
        "column_moved": (
            "Orders.ShipCountry",
            "Customers.City",
            "Categories.CategoryName>Products.CategoryID=CategoryID",
            "Shippers.CompanyName>Orders.ShipperID=ShipVia",
            "Suppliers.Country>Products.SupplierID=SupplierID",
        ),
        "columns_swapped_names": (
            "Orders.ShipCity,ShipCountry",
            "Employees.FirstName,LastName",
            "Products.UnitsInStock,UnitsOnOrder",
        ),
        "table_added": ("Orders", "Customers", "Products", ""),
        "table_removed": ("Orders", "Customers", "Order Details", "Suppliers", "Categories"),
        "table_removed_with_decoy": ("Orders", "Products", "Customers", "Shippers"),
        "table_renamed": ("Orders", "Customers", "Order Details", "Products", "Categories", "Employees"),
        "table_renamed_to_other_schema": ("Orders", "Products", "Customers"),
        "table_split": (
            "Orders.ShipName,ShipAddress,ShipCity,ShipRegion,ShipPostalCode,ShipCountry",
            "Products.UnitPrice,UnitsInStock,UnitsOnOrder,ReorderLevel:both",
            "Customers.Address,City,Region,PostalCode,Country,Phone,Fax",
            "Employees.TitleOfCourtesy,BirthDate,HireDate,Address,City,FirstName,ReportsTo:both",
        ),
        "tables_stacked": ("Customers+Suppliers:apart", "Customers+Suppliers:one", "Shippers+Suppliers:one"),
        "tables_widened": (
            "Products+Categories:CategoryID=CategoryID",
            "Products+Suppliers:SupplierID=SupplierID",
            "Territories+Regions:RegionID=RegionID",
            "Orders+Shippers:ShipVia=ShipperID",
        ),
        "table_renamed_and_columns_renamed": ("Orders", "Products", "Customers", "Suppliers"),
        "ambiguous": ("Orders", "Products", "Customers"),
    },
    "chinook": {
        "column_added": ("Track", "Invoice", "Genre", "Track.Title", "Album.Milliseconds"),
        "column_removed": ("Track.Milliseconds", "Invoice.Total", "Customer.Country", "Artist.Name", "Employee.Title"),
        "column_retyped_same_meaning": (
            "Track.Milliseconds:text",
            "Invoice.Total:text",
            "Track.TrackId:big",
            "InvoiceLine.Quantity:text",
            "Customer.SupportRepId:big",
        ),
        "column_retyped_other_meaning": (
            "Invoice.Total:cents",
            "InvoiceLine.UnitPrice:cents",
            "Track.Milliseconds:worded",
            "Invoice.InvoiceDate:epoch",
            "Track.Bytes:worded",
        ),
        "column_renamed": (
            "Track.Name",
            "Track.AlbumId",
            "Invoice.Total",
            "Customer.LastName",
            "Genre.Name",
            "Employee.ReportsTo",
            "Track.Milliseconds",
            "Invoice.BillingCountry",
        ),
        "column_renamed_to_decoy": (
            "Invoice.Total",
            "Track.Milliseconds",
            "Customer.City",
            "Artist.Name",
            "InvoiceLine.UnitPrice",
        ),
        "column_made_nullable": ("Track.Name", "Invoice.Total", "Album.Title"),
        "column_moved": (
            "Track.Milliseconds",
            "Customer.Country",
            "Invoice.BillingCountry>Customer.CustomerId=CustomerId",
            "Genre.Name>Track.GenreId=GenreId",
            "Album.Title>Track.AlbumId=AlbumId",
        ),
        "columns_swapped_names": (
            "Track.Milliseconds,Bytes",
            "Customer.City,Country",
            "Invoice.BillingCity,BillingCountry",
        ),
        "table_added": ("Invoice", "Customer", "Track", ""),
        "table_removed": ("Invoice", "Customer", "Track", "Genre", "Employee"),
        "table_removed_with_decoy": ("Invoice", "Album", "Customer", "Genre"),
        "table_renamed": ("Track", "Invoice", "Customer", "InvoiceLine", "Genre", "Employee"),
        "table_renamed_to_other_schema": ("Track", "Invoice", "Customer"),
        "table_split": (
            "Track.Composer,Milliseconds,Bytes,UnitPrice",
            "Customer.Address,City,State,Country,PostalCode,Email:both",
            "Invoice.BillingAddress,BillingCity,BillingState,BillingCountry,BillingPostalCode",
            "Employee.FirstName,Title,HireDate,City,Country,Email:both",
        ),
        "tables_stacked": ("Customer+Employee:one", "Genre+MediaType:one", "Customer+Employee:apart"),
        "tables_widened": (
            "Track+Genre:GenreId=GenreId",
            "Track+MediaType:MediaTypeId=MediaTypeId",
            "Invoice+Customer:CustomerId=CustomerId",
            "Track+Album:AlbumId=AlbumId",
        ),
        "table_renamed_and_columns_renamed": ("Track", "Invoice", "Customer", "Employee"),
        "ambiguous": ("Track", "Invoice", "Customer"),
    },
}
